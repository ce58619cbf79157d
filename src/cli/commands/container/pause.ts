// `pause` and `unpause`: freezes all processes, and lets them go on.

import { args, command } from "../../command.ts";
import { forEachArgument } from "../shared.ts";

const verb = (name: "pause" | "unpause") =>
  command({
    usage: "CONTAINER [CONTAINER...]",
    args: args.atLeast(1),
    flags: {},
    async run(context, { args: names }) {
      await forEachArgument(context, names, (container) =>
        context.engine.done("POST", `/containers/${encodeURIComponent(container)}/${name}`),
      );
    },
  });

export const pause = verb("pause");
export const unpause = verb("unpause");
