// `checkpoint ls`: the checkpoints of a container.

import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { View } from "../../template/value.ts";
import { needsExperimental } from "./experimental.ts";

export const ls = command({
  usage: "[OPTIONS] CONTAINER",
  args: args.exactly(1),
  flags: { "checkpoint-dir": flag.string("Use a custom checkpoint storage directory") },
  async run(context, { flags, args: [container = ""] }) {
    await needsExperimental(context);
    const found = await context.engine.json<{ Name: string }[] | null>(
      "GET",
      `/containers/${encodeURIComponent(container)}/checkpoints`,
      { query: { dir: flags["checkpoint-dir"] } },
    );
    const rows = (found ?? []).map(({ Name }) => new View("*formatter.checkpointContext", { Name: () => Name }));
    printList(context.io.stdout, { format: "table {{.Name}}", headers: { Name: "CHECKPOINT NAME" }, rows });
  },
});
