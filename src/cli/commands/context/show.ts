// `context show`.

import { args, command } from "../../command.ts";
import { contextName } from "../../session.ts";

export const show = command({
  usage: "",
  args: args.none,
  flags: {},
  async run(context) {
    context.io.stdout.line(contextName(context));
  },
});
