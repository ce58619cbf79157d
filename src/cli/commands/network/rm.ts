// `network rm`.

import { DaemonError } from "../../../api/client/errors.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";

export const rm = command({
  usage: "NETWORK [NETWORK...]",
  args: args.atLeast(1),
  flags: { force: flag.bool("Do not error if the network does not exist", { short: "f" }) },
  async run({ engine, io }, { flags, args: names }) {
    let failed = false;
    for (const name of names) {
      try {
        await engine.done("DELETE", `/networks/${encodeURIComponent(name)}`);
        io.stdout.line(name);
      } catch (thrown) {
        if (flags.force && thrown instanceof DaemonError && thrown.answered === 404) continue;
        io.stderr.line(messageOf(thrown));
        failed = true;
      }
    }
    if (failed) throw new ExitError(1, "exit status 1");
  },
});
