// `builder prune`: removes the build cache: what nothing depends on, with -a all that is not in use.

import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { humanSize } from "../../format/units.ts";
import { confirm, filterQuery, pruneFilters } from "../shared.ts";

export const prune = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    all: flag.bool("Remove all unused build cache, not just dangling ones", { short: "a" }),
    filter: flag.filter('Provide filter values (e.g. "until=24h")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
    "keep-storage": flag.bytes("Amount of disk space to keep for cache"),
  },
  async run(context, { flags }) {
    const what = flags.all ? "all build cache" : "all dangling build cache";
    const question = `WARNING! This will remove ${what}. Are you sure you want to continue?`;
    if (!flags.force && !(await confirm(context, question))) return;
    const answer = await context.engine.json<{ CachesDeleted?: string[] | null; SpaceReclaimed: number }>(
      "POST",
      "/build/prune",
      {
        query: {
          all: flags.all,
          "keep-storage": flags["keep-storage"] === 0 ? undefined : flags["keep-storage"],
          filters: filterQuery(pruneFilters(context, flags.filter)),
        },
      },
    );
    const { stdout } = context.io;
    const deleted = answer.CachesDeleted ?? [];
    if (deleted.length > 0) stdout.print(`Deleted build cache objects:\n${deleted.join("\n")}\n\n`);
    stdout.line(`Total reclaimed space: ${humanSize(answer.SpaceReclaimed)}`);
  },
});
