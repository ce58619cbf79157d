// `image prune`: removes images without a name, with -a all that no container uses.

import type { ImageDeleteResponseItem } from "../../../api/types/image.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { pruneCommand } from "../prune.ts";

export const prune = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    all: flag.bool("Remove all unused images, not just dangling ones", { short: "a" }),
    filter: flag.filter('Provide filter values (e.g. "until=<timestamp>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
  },
  run: (context, { flags }) =>
    pruneCommand(context, {
      warning: flags.all
        ? "WARNING! This will remove all images without at least one container associated to them."
        : "WARNING! This will remove all dangling images.",
      force: flags.force,
      filter: new Map(flags.filter).set("dangling", [String(!flags.all)]),
      path: "/images/prune",
      deleted: deletedImages,
    }),
});

export function deletedImages(answer: Readonly<Record<string, unknown>>): string[] {
  const items = (answer.ImagesDeleted ?? []) as Partial<ImageDeleteResponseItem>[];
  if (items.length === 0) return [];
  const lines = items.map(({ Untagged, Deleted }) => (Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted}`));
  return ["Deleted Images:", ...lines, ""];
}
