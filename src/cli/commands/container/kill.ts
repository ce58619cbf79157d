// `kill`: sends a signal.

import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { forEachArgument } from "../shared.ts";

export const kill = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: args.atLeast(1),
  flags: { signal: flag.string("Signal to send to the container", { short: "s" }) },
  async run(context, { flags, args: names }) {
    await forEachArgument(context, names, (name) =>
      context.engine.done("POST", `/containers/${encodeURIComponent(name)}/kill`, {
        query: { signal: flags.signal || undefined },
      }),
    );
  },
});
