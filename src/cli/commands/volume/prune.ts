// `volume prune`: removes local volumes that no container uses: those without a name, with -a all.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { pruneCommand } from "../prune.ts";

export const prune = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    all: flag.bool("Remove all unused volumes, not just anonymous ones", { short: "a" }),
    filter: flag.filter('Provide filter values (e.g. "label=<label>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
  },
  async run(context, { flags }) {
    if (flags.all && flags.filter.has("all"))
      throw new ExitError(1, "conflicting options: cannot specify both --all and --filter all=1");
    const filter = flags.all ? new Map(flags.filter).set("all", ["true"]) : flags.filter;
    await pruneCommand(context, {
      warning: flags.all
        ? "WARNING! This will remove all local volumes not used by at least one container."
        : "WARNING! This will remove anonymous local volumes not used by at least one container.",
      force: flags.force,
      filter,
      path: "/volumes/prune",
      deleted: deletedVolumes,
    });
  },
});

export function deletedVolumes(answer: Readonly<Record<string, unknown>>): string[] {
  const names = answer.VolumesDeleted;
  return Array.isArray(names) && names.length > 0 ? ["Deleted Volumes:", ...names.map(String), ""] : [];
}
