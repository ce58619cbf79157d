// `volume rm`.

import { FailureList } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";

export const rm = command({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  args: args.atLeast(1),
  flags: { force: flag.bool("Force the removal of one or more volumes", { short: "f" }) },
  async run({ engine, io }, { flags, args: names }) {
    const failures = new FailureList();
    for (const name of names) {
      try {
        await engine.done("DELETE", `/volumes/${encodeURIComponent(name)}`, { query: { force: flags.force } });
        io.stdout.line(name);
      } catch (thrown) {
        failures.add(thrown);
      }
    }
    failures.raise();
  },
});
