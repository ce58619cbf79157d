// `inspect`: any object by name: the first of container, image, network, volume that has it, or of --type.

import { DaemonError } from "../../api/client/errors.ts";
import { HoyError } from "../../base/error.ts";
import { ExitError } from "../base/errors.ts";
import { args, type Context, command } from "../command.ts";
import { flag } from "../flag.ts";
import { fetchContainer } from "./container/inspect.ts";
import { fetchImage } from "./image/inspect.ts";
import { type Fetch, type Inspected, inspectObjects } from "./inspect-objects.ts";
import { fetchNetwork } from "./network/inspect.ts";
import { inspectFormat } from "./shared.ts";
import { fetchVolume } from "./volume/inspect.ts";

const TYPES =
  'must be one of "config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"';
const SWARM = ["node", "service", "task", "secret", "config", "plugin"];

export const inspect = command({
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  args: args.atLeast(1),
  flags: {
    format: inspectFormat(),
    size: flag.bool("Display total file sizes if the type is container", { short: "s" }),
    type: flag.string("Only inspect objects of the given type"),
  },
  async run(context, { flags, args: names, changed }) {
    if (changed.has("type") && flags.type === "") throw new ExitError(1, `type is empty: ${TYPES}`);
    const kinds = fetchers(context, flags.size);
    if (flags.type !== "" && kinds[flags.type] === undefined) {
      const type = JSON.stringify(flags.type);
      throw new ExitError(
        1,
        SWARM.includes(flags.type)
          ? `not there yet: ${type}: must be one of "container", "image", "network", "volume"`
          : `unknown type: ${type}: ${TYPES}`,
      );
    }
    await inspectObjects(context, names, flags.format, async (name) => {
      const found = await firstOf(kinds, flags.type, name);
      if (flags.size && found.struct !== "Container")
        context.io.stderr.line(`WARNING: --size ignored for ${found.struct.toLowerCase()}`);
      return found;
    });
  },
});

function fetchers(context: Context, size: boolean): Readonly<Record<string, Fetch>> {
  return {
    container: (name) => fetchContainer(context, name, size),
    image: (name) => fetchImage(context, name),
    network: (name) => fetchNetwork(context, name, false),
    volume: (name) => fetchVolume(context, name),
  };
}

async function firstOf(kinds: Readonly<Record<string, Fetch>>, type: string, name: string): Promise<Inspected> {
  for (const [kind, fetch] of Object.entries(kinds)) {
    if (type !== "" && kind !== type) continue;
    try {
      return await fetch(name);
    } catch (thrown) {
      const missing = thrown instanceof DaemonError && thrown.answered === 404;
      if (!missing || type !== "") throw thrown;
    }
  }
  throw new HoyError("not-found", `Error: No such object: ${name}`);
}
