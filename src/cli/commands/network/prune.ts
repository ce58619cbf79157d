// `network prune`: removes networks that no container uses.

import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { pruneCommand } from "../prune.ts";

export const prune = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    filter: flag.filter('Provide filter values (e.g. "until=<timestamp>")'),
    force: flag.bool("Do not prompt for confirmation", { short: "f" }),
  },
  run: (context, { flags }) =>
    pruneCommand(context, {
      warning: "WARNING! This will remove all custom networks not used by at least one container.",
      force: flags.force,
      filter: flags.filter,
      path: "/networks/prune",
      deleted: deletedNetworks,
    }),
});

export function deletedNetworks(answer: Readonly<Record<string, unknown>>): string[] {
  const names = answer.NetworksDeleted;
  return Array.isArray(names) && names.length > 0 ? ["Deleted Networks:", ...names.map(String), ""] : [];
}
