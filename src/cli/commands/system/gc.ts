// `system gc`: images that no container uses and build cache, by age and size; what nothing refers to always.

import type { CollectReport } from "../../../api/backend.ts";
import { truncateId } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { ago } from "../../format/time.ts";
import { humanSize } from "../../format/units.ts";

export const gc = command({
  usage: "[OPTIONS]",
  args: args.none,
  details:
    'Collects by the policy in daemon.json ("gc"), which also says how often that happens by itself. The options go before it for this one time. Containers\' images stay, and so do the names that the policy keeps.',
  flags: {
    "dry-run": flag.bool("Only show what would be removed"),
    "keep-storage": flag.bytes("Bytes that unused images, and the build cache, may take"),
    "unused-for": flag.string('Remove what was not used for so long ("720h")'),
  },
  async run({ engine, io }, { flags, changed }) {
    const { Images, BuildCache, SpaceReclaimed } = await engine.json<CollectReport>("POST", "/hoy/gc", {
      query: {
        dryrun: flags["dry-run"],
        "keep-storage": changed.has("keep-storage") ? flags["keep-storage"] : undefined,
        "unused-for": flags["unused-for"] === "" ? undefined : flags["unused-for"],
      },
    });
    for (const { Id, Names, Size, LastUsed } of Images) {
      const name = Names.find((each) => !each.includes("@")) ?? Names[0] ?? "<none>";
      const used = ago(Math.floor(Date.parse(LastUsed) / 1000));
      io.stdout.line(`image ${truncateId(Id)} ${name} (${humanSize(Size)}, used ${used})`);
    }
    for (const { Id, Description, Size } of BuildCache)
      io.stdout.line(`build cache ${truncateId(Id)} ${Description} (${humanSize(Size)})`);
    const words = flags["dry-run"] ? "Space that would be reclaimed" : "Total reclaimed space";
    io.stdout.line(`${words}: ${humanSize(SpaceReclaimed)}`);
  },
});
