// `context rm`.

import { HoyError } from "../../../base/error.ts";
import { ExitError, FailureList } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { DEFAULT_CONTEXT } from "../../config/contexts.ts";
import { flag } from "../../flag.ts";
import { contextName, contextStore } from "../../session.ts";

export const rm = command({
  usage: "CONTEXT [CONTEXT...]",
  args: args.atLeast(1),
  flags: { force: flag.bool("Force the removal of a context in use", { short: "f" }) },
  async run(context, { flags, args: names }) {
    const { io, config } = context;
    const store = contextStore(context);
    const failures = new FailureList();
    for (const name of names) {
      try {
        if (name === DEFAULT_CONTEXT) throw new ExitError(1, 'context "default" cannot be removed');
        if (!flags.force && !store.has(name))
          throw new HoyError("not-found", `context ${JSON.stringify(name)} does not exist`);
        if (name === contextName(context)) {
          if (!flags.force)
            throw new ExitError(1, `context ${JSON.stringify(name)} is in use, set -f flag to force remove`);
          if (config.data.currentContext === name) {
            delete config.data.currentContext;
            config.save();
          }
        }
        store.remove(name);
        io.stdout.line(name);
      } catch (thrown) {
        failures.add(thrown);
      }
    }
    failures.raise();
  },
});
