// `system df`: where the disk space went.

import type { DiskUsage } from "../../../api/backend.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { listFormat } from "../shared.ts";
import { verboseDiskUsage } from "./df-verbose.ts";
import { usageViews } from "./usage.ts";

const TABLE = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";
const RAW =
  "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\nreclaimable: {{.Reclaimable}}\n";

const HEADERS = { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" };

export const df = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    format: listFormat(),
    verbose: flag.bool("Show detailed information on space usage", { short: "v" }),
  },
  async run({ engine, io }, { flags }) {
    const usage = await engine.json<Partial<DiskUsage>>("GET", "/system/df");
    const chosen = flags.format || "table";
    if (flags.verbose) return verboseDiskUsage(io.stdout, usage, chosen);
    const format = chosen === "table" ? TABLE : chosen === "raw" ? RAW : chosen;
    printList(io.stdout, { format, headers: HEADERS, rows: usageViews(usage) });
  },
});
