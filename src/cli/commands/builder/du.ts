// `builder du`: what the build cache is made of, and how much of it could go.

import type { DiskUsage } from "../../../api/backend.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { humanSize } from "../../format/units.ts";
import { listFormat } from "../shared.ts";
import { BUILD_CACHE, BUILD_CACHE_HEADERS, buildCacheViews } from "../system/df-verbose.ts";

export const du = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { format: listFormat(), "no-trunc": flag.bool("Don't truncate output") },
  async run({ engine, io }, { flags }) {
    const usage = await engine.json<Partial<DiskUsage>>("GET", "/system/df", { query: { type: ["build-cache"] } });
    const records = usage.BuildCache ?? [];
    const table = flags.format === "" || flags.format === "table";
    const rows = buildCacheViews(records, table && !flags["no-trunc"]);
    printList(io.stdout, { format: table ? BUILD_CACHE : flags.format, headers: BUILD_CACHE_HEADERS, rows });
    if (!table) return;
    const sum = (list: typeof records) => humanSize(list.reduce((total, { Size }) => total + Size, 0));
    io.stdout.print(`\nReclaimable:\t${sum(records.filter(({ InUse }) => !InUse))}\nTotal:\t\t${sum(records)}\n`);
  },
});
