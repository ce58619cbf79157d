// `history`: the steps an image was made in, newest first.

import type { HistoryItem } from "../../../api/backend.ts";
import { ellipsis, truncateId } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { ago, rfc3339 } from "../../format/time.ts";
import { humanSizeWithPrecision } from "../../format/units.ts";
import { View } from "../../template/value.ts";
import { listFormat } from "../shared.ts";
import { platformJson } from "./load.ts";

const HUMAN = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
const EXACT = "table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";

const HEADERS = {
  ID: "IMAGE",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  CreatedBy: "CREATED BY",
  Size: "SIZE",
  Comment: "COMMENT",
};

export const history = command({
  usage: "[OPTIONS] IMAGE",
  args: args.exactly(1),
  flags: {
    format: listFormat(),
    human: flag.bool("Print sizes and dates in human readable format", { short: "H", initial: true, shown: "true" }),
    "no-trunc": flag.bool("Don't truncate output"),
    platform: flag.string(
      'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
    quiet: flag.bool("Only show image IDs", { short: "q" }),
  },
  async run({ engine, io }, { flags, args: [name = ""] }) {
    const items = await engine.json<HistoryItem[]>("GET", `/images/${encodeURIComponent(name)}/history`, {
      query: { platform: flags.platform === "" ? undefined : platformJson(flags.platform) },
    });
    const chosen = flags.format || "table";
    const format = flags.quiet ? "{{.ID}}" : chosen === "table" ? (flags.human ? HUMAN : EXACT) : chosen;
    const rows = items.map((item) => historyView(item, { human: flags.human, truncate: !flags["no-trunc"] }));
    printList(io.stdout, { format, headers: HEADERS, rows });
  },
});

function historyView(item: HistoryItem, { human, truncate }: { human: boolean; truncate: boolean }): View {
  const by = item.CreatedBy.replaceAll("\t", " ");
  return new View("*image.historyContext", {
    Comment: () => item.Comment,
    CreatedAt: () => rfc3339(item.Created),
    CreatedBy: () => (truncate ? ellipsis(by, 45) : by),
    CreatedSince: () => (human ? ago(item.Created) : rfc3339(item.Created)),
    ID: () => (truncate ? truncateId(item.Id) : item.Id),
    Size: () => (human ? humanSizeWithPrecision(item.Size, 3) : String(item.Size)),
  });
}
