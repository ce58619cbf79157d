// `container inspect`.

import { args, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { textOf } from "../../stream/bytes.ts";
import { type Inspected, inspectObjects } from "../inspect-objects.ts";
import { inspectFormat } from "../shared.ts";

export const inspect = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: args.atLeast(1),
  flags: { format: inspectFormat(), size: flag.bool("Display total file sizes", { short: "s" }) },
  run: (context, { flags, args: names }) =>
    inspectObjects(context, names, flags.format, (name) => fetchContainer(context, name, flags.size)),
});

export async function fetchContainer({ engine }: Context, name: string, size: boolean): Promise<Inspected> {
  const { body } = await engine.send("GET", `/containers/${encodeURIComponent(name)}/json`, { query: { size } });
  return { struct: "Container", json: await textOf(body) };
}
