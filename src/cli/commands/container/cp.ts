import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";

export const cp = command({
  usage: ["[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-", "[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH"],
  args: args.exactly(2),
  flags: {},
  async run() {
    throw new ExitError(1, "cp is not there yet");
  },
});
