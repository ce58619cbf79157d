// `rm`: removes containers.

import { DaemonError } from "../../../api/client/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { forEachArgument } from "../shared.ts";

export const rm = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: args.atLeast(1),
  flags: {
    force: flag.bool("Force the removal of a running container (uses SIGKILL)", { short: "f" }),
    link: flag.bool("Remove the specified link", { short: "l" }),
    volumes: flag.bool("Remove anonymous volumes associated with the container", { short: "v" }),
  },
  async run(context, { flags, args: names }) {
    await forEachArgument(context, names, async (name) => {
      const bare = name.replace(/^\/+|\/+$/g, "");
      if (bare === "") throw new Error("container name cannot be empty");
      try {
        await context.engine.done("DELETE", `/containers/${encodeURIComponent(bare)}`, {
          query: { force: flags.force, link: flags.link, v: flags.volumes },
        });
        return true;
      } catch (thrown) {
        // With -f the wanted state is reached; the line on standard error is docker's.
        if (!flags.force || !(thrown instanceof DaemonError) || thrown.answered !== 404) throw thrown;
        context.io.stderr.line(thrown.message);
        return false;
      }
    });
  },
});
