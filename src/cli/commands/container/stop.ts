// `stop`: asks the process to end, and kills it when it does not.

import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { endContainers } from "./end.ts";

const timeout = flag.int("Seconds to wait before killing the container", { short: "t" });

export const stop = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: args.atLeast(1),
  flags: {
    signal: flag.string("Signal to send to the container", { short: "s" }),
    time: flag.alias("timeout", timeout),
    timeout,
  },
  run: (context, call) => endContainers(context, call, "stop"),
});
