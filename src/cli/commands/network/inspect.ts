// `network inspect`.

import { args, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { textOf } from "../../stream/bytes.ts";
import { type Inspected, inspectObjects } from "../inspect-objects.ts";
import { inspectFormat } from "../shared.ts";

export const inspect = command({
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  args: args.atLeast(1),
  flags: { format: inspectFormat(), verbose: flag.bool("Verbose output for diagnostics", { short: "v" }) },
  run: (context, { flags, args: names }) =>
    inspectObjects(context, names, flags.format, (name) => fetchNetwork(context, name, flags.verbose)),
});

export async function fetchNetwork({ engine }: Context, name: string, verbose: boolean): Promise<Inspected> {
  const { body } = await engine.send("GET", `/networks/${encodeURIComponent(name)}`, { query: { verbose } });
  return { struct: "Network", json: await textOf(body) };
}
