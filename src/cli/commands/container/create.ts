// `create`: `run` without the start.

import { args, command } from "../../command.ts";
import { containerFlags } from "../../run/flags.ts";
import { createContainer, specOf } from "./create-container.ts";
import { withHelp } from "./run.ts";

export const create = command({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: args.atLeast(1),
  interspersed: false,
  flags: (io) => containerFlags(io.cwd, io.env),
  async run(context, call) {
    const spec = withHelp(context, "create", () => specOf(context, call));
    context.io.stdout.line(await createContainer(context, call, spec));
  },
});
