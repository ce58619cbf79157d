// `container prune`: removes stopped containers.

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
      warning: "WARNING! This will remove all stopped containers.",
      force: flags.force,
      filter: flags.filter,
      path: "/containers/prune",
      deleted: (answer) => list("Deleted Containers:", answer.ContainersDeleted),
    }),
});

function list(title: string, names: unknown): string[] {
  return Array.isArray(names) && names.length > 0 ? [title, ...names.map(String), ""] : [];
}
