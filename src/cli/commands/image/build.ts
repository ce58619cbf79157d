// `build`: an image from a Dockerfile, by BuildKit's protocol. With DOCKER_BUILDKIT=0, and at an engine that has nothing
// else, by the classic POST /build.

import { DaemonError } from "../../../api/client/errors.ts";
import { buildFlags } from "../../build/flags.ts";
import { args, command } from "../../command.ts";

export const build = command({
  usage: "[OPTIONS] PATH | URL | -",
  args: args.exactly(1),
  flags: buildFlags,
  async run(context, { flags, args: [where = ""], changed }) {
    const classic = async () => (await import("../../build/classic.ts")).buildClassic(context, flags, where, changed);
    if (/^(?:0|f|F|false|FALSE|False)$/.test(context.io.env.DOCKER_BUILDKIT ?? "")) return classic();
    const { runBuild } = await import("../../build/run.ts");
    try {
      return await runBuild(context, flags, where);
    } catch (thrown) {
      if (thrown instanceof DaemonError && thrown.answered === 404) return classic();
      throw thrown;
    }
  },
});
