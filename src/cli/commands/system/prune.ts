// `system prune`: everything that nothing uses.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { humanSize } from "../../format/units.ts";
import { deletedImages } from "../image/prune.ts";
import { deletedNetworks } from "../network/prune.ts";
import { type Prune, pruneOnce } from "../prune.ts";
import { confirm } from "../shared.ts";
import { deletedVolumes } from "../volume/prune.ts";

export const prune = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    all: flag.bool("Remove all unused images not just dangling ones", { short: "a" }),
    filter: flag.filter('Provide filter values (e.g. "label=<key>=<value>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
    volumes: flag.bool("Prune anonymous volumes"),
  },
  async run(context, { flags }) {
    if (flags.volumes && flags.filter.has("until"))
      throw new ExitError(1, 'ERROR: The "until" filter is not supported with "--volumes"');
    if (!flags.force && !(await confirm(context, warning(flags)))) return;
    let total = 0;
    for (const step of steps(flags)) {
      const { lines, reclaimed = 0 } = await pruneOnce(context, step);
      for (const line of lines) context.io.stdout.line(line);
      total += reclaimed;
    }
    context.io.stdout.line(`Total reclaimed space: ${humanSize(total)}`);
  },
});

interface PruneFlags {
  readonly all: boolean;
  readonly volumes: boolean;
  readonly filter: Prune["filter"];
}

function warning(flags: PruneFlags): string {
  const lines = ["all stopped containers", "all networks not used by at least one container"];
  if (flags.volumes) lines.push("all anonymous volumes not used by at least one container");
  lines.push(
    flags.all ? "all images without at least one container associated to them" : "all dangling images",
    flags.all ? "all build cache" : "unused build cache",
  );
  const filters = [...flags.filter].flatMap(([name, values]) => values.map((value) => `${name}=${value}`));
  const items =
    filters.length > 0
      ? `\n\n  Items to be pruned will be filtered with:\n${filters.map((text) => `  - ${text}`).join("\n")}`
      : "";
  return `WARNING! This will remove:\n${lines.map((text) => `  - ${text}`).join("\n")}${items}\n\nAre you sure you want to continue?`;
}

function steps(flags: PruneFlags): Pick<Prune, "filter" | "path" | "deleted">[] {
  const { filter } = flags;
  const containers = (answer: Readonly<Record<string, unknown>>) =>
    titled("Deleted Containers:", answer.ContainersDeleted);
  const caches = (answer: Readonly<Record<string, unknown>>) =>
    titled("Deleted build cache objects:", answer.CachesDeleted);
  const images = new Map(filter).set("dangling", [String(!flags.all)]);
  return [
    { filter, path: "/containers/prune", deleted: containers },
    { filter, path: "/networks/prune", deleted: deletedNetworks },
    ...(flags.volumes ? [{ filter, path: "/volumes/prune", deleted: deletedVolumes }] : []),
    { filter: images, path: "/images/prune", deleted: deletedImages },
    { filter, path: "/build/prune", deleted: caches },
  ];
}

function titled(title: string, names: unknown): string[] {
  return Array.isArray(names) && names.length > 0 ? [title, ...names.map(String), ""] : [];
}
