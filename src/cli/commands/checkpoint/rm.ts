// `checkpoint rm`: forgets a checkpoint.

import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { needsExperimental } from "./experimental.ts";

export const rm = command({
  usage: "[OPTIONS] CONTAINER CHECKPOINT",
  args: args.exactly(2),
  flags: { "checkpoint-dir": flag.string("Use a custom checkpoint storage directory") },
  async run(context, { flags, args: [container = "", checkpoint = ""] }) {
    await needsExperimental(context);
    const path = `/containers/${encodeURIComponent(container)}/checkpoints/${encodeURIComponent(checkpoint)}`;
    await context.engine.done("DELETE", path, { query: { dir: flags["checkpoint-dir"] } });
  },
});
