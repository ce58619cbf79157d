// `registry webhook …`: who is told of pushes, pulls and removals.

import { withBooks } from "../../../registry/server/admin.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { changing } from "./audited.ts";
import { printRows, requireRegistry, rootFlag } from "./root.ts";

export const webhookAdd = changing({
  usage: "[OPTIONS] URL",
  args: args.exactly(1),
  details:
    "Prints the secret that signs what is sent (header X-Hub-Signature-256), shown this once. " +
    "Addresses that are not public are refused when sending, unless serve --webhook-allow names their network.",
  flags: {
    event: flag.strings("push, pull, delete", { shown: "push,delete" }),
    repository: flag.string("A name, NAME/* for all under it, or *", { initial: "*" }),
    root: rootFlag(),
  },
  async run({ io }, { flags, args: [url = ""] }) {
    requireRegistry(flags.root);
    const events = flags.event.length === 0 ? ["push", "delete"] : flags.event;
    const added = withBooks(flags.root, ({ webhooks }) => webhooks.add(url, flags.repository, events));
    io.stdout.line(added.secret);
  },
});

export const webhookLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    requireRegistry(flags.root);
    const found = withBooks(flags.root, ({ webhooks }) => webhooks.list());
    const rows = found.map((each) => [
      String(each.id),
      each.pattern,
      each.actions.join(","),
      String(each.waiting),
      each.url,
      each.lastError ?? "",
    ]);
    printRows(io.stdout, ["ID", "REPOSITORY", "EVENTS", "WAITING", "URL", "LAST ERROR"], rows);
  },
});

export const webhookRm = changing({
  usage: "[OPTIONS] ID [ID...]",
  args: args.atLeast(1),
  flags: { root: rootFlag() },
  async run(_context, { flags, args: ids }) {
    requireRegistry(flags.root);
    withBooks(flags.root, ({ webhooks }) => {
      for (const id of ids)
        if (!/^\d{1,15}$/.test(id) || !webhooks.remove(Number(id))) throw new ExitError(1, `there is no webhook ${id}`);
    });
  },
});
