// `checkpoint create`: keeps the state of a running container's processes.

import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { needsExperimental } from "./experimental.ts";

export const create = command({
  usage: "[OPTIONS] CONTAINER CHECKPOINT",
  args: args.exactly(2),
  flags: {
    "checkpoint-dir": flag.string("Use a custom checkpoint storage directory"),
    "leave-running": flag.bool("Leave the container running after checkpoint"),
  },
  async run(context, { flags, args: [container = "", checkpoint = ""] }) {
    await needsExperimental(context);
    await context.engine.done("POST", `/containers/${encodeURIComponent(container)}/checkpoints`, {
      json: { CheckpointID: checkpoint, CheckpointDir: flags["checkpoint-dir"], Exit: !flags["leave-running"] },
    });
    context.io.stdout.line(checkpoint);
  },
});
