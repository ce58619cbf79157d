// `wait`: blocks until containers stop, and prints their exit codes.

import type { ContainerWaitResponse } from "../../../api/types/container.ts";
import { FailureList } from "../../base/errors.ts";
import { args, command } from "../../command.ts";

export const wait = command({
  usage: "CONTAINER [CONTAINER...]",
  args: args.atLeast(1),
  flags: {},
  async run({ engine, io }, { args: names }) {
    const failures = new FailureList();
    for (const name of names) {
      try {
        const { StatusCode } = await engine.json<ContainerWaitResponse>(
          "POST",
          `/containers/${encodeURIComponent(name)}/wait`,
        );
        io.stdout.line(String(StatusCode));
      } catch (thrown) {
        failures.add(thrown);
      }
    }
    failures.raise();
  },
});
