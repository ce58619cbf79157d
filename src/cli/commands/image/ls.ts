// `images`: the table of images.

import type { ImageSummary } from "../../../api/types/image.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { type FilterMap, flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { filterQuery, listFilter, listFormat } from "../shared.ts";
import { imageTree } from "./tree.ts";
import { IMAGE_HEADERS, imageFormat, imageViews } from "./view.ts";

export const ls = command({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  args: args.atMost(1),
  flags: {
    all: flag.bool("Show all images (default hides intermediate images)", { short: "a" }),
    digests: flag.bool("Show digests"),
    filter: listFilter(),
    format: listFormat(),
    "no-trunc": flag.bool("Don't truncate output"),
    quiet: flag.bool("Only show image IDs", { short: "q" }),
    tree: flag.bool("List multi-platform images as a tree (EXPERIMENTAL)"),
  },
  async run({ engine, io, config }, { flags, args: [name] }) {
    if (flags.tree && (flags.quiet || flags.digests || flags.format !== ""))
      throw new ExitError(1, "--quiet, --digests and --format are not used with --tree");
    const filters: FilterMap = name === undefined ? flags.filter : new Map(flags.filter).set("reference", [name]);
    const images = await engine.json<ImageSummary[]>("GET", "/images/json", {
      query: { all: flags.all, filters: filterQuery(filters), manifests: flags.tree ? true : undefined },
    });
    if (flags.tree) return io.stdout.print(imageTree(images, !flags["no-trunc"]));
    const chosen = flags.format || (flags.quiet ? "table" : config.data.imagesFormat) || "table";
    const format = imageFormat(chosen, flags);
    const rows = imageViews(images, { truncate: !flags["no-trunc"], digests: flags.digests, format });
    printList(io.stdout, { format, headers: IMAGE_HEADERS, rows });
  },
});
