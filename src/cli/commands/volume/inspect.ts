// `volume inspect`.

import { args, type Context, command } from "../../command.ts";
import { textOf } from "../../stream/bytes.ts";
import { type Inspected, inspectObjects } from "../inspect-objects.ts";
import { inspectFormat } from "../shared.ts";

export const inspect = command({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  args: args.atLeast(1),
  flags: { format: inspectFormat() },
  run: (context, { flags, args: names }) =>
    inspectObjects(context, names, flags.format, (name) => fetchVolume(context, name)),
});

export async function fetchVolume({ engine }: Context, name: string): Promise<Inspected> {
  const { body } = await engine.send("GET", `/volumes/${encodeURIComponent(name)}`);
  return { struct: "Volume", json: await textOf(body) };
}
