// `context use`: makes a context the one that commands talk to.

import { args, command } from "../../command.ts";
import { ContextStore, DEFAULT_CONTEXT } from "../../config/contexts.ts";
import { contextStore } from "../../session.ts";

export const use = command({
  usage: "CONTEXT",
  args: args.exactly(1),
  flags: {},
  async run(context, { args: [name = ""] }) {
    const { io, config } = context;
    if (name !== DEFAULT_CONTEXT) {
      ContextStore.checkName(name);
      contextStore(context).get(name);
    }
    const wanted = name === DEFAULT_CONTEXT ? undefined : name;
    if (config.data.currentContext !== wanted) {
      if (wanted === undefined) delete config.data.currentContext;
      else config.data.currentContext = wanted;
      config.save();
    }
    io.stdout.line(name);
    io.stderr.line(`Current context is now ${JSON.stringify(name)}`);
    if (wanted !== undefined && io.env.DOCKER_HOST)
      io.stderr.line(
        `Warning: DOCKER_HOST environment variable overrides the active context. To use ${JSON.stringify(name)}, either set the global --context flag, or unset DOCKER_HOST environment variable.`,
      );
  },
});
