// `builder cache-mount ls|export|import`: what builds keep by RUN --mount=type=cache, taken to another engine. Docker has
// nothing like it.

import type { CacheMount } from "../../../api/backend.ts";
import { ExitError } from "../../base/errors.ts";
import { truncateId } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { printList } from "../../format/list.ts";
import { ago } from "../../format/time.ts";
import { humanSize } from "../../format/units.ts";
import { checkOutputPath, copyTo, writeFileWhole } from "../../stream/files.ts";
import { View } from "../../template/value.ts";
import { openInput } from "../image/load.ts";
import { listFormat } from "../shared.ts";

const TABLE = "table {{.ID}}\t{{.CacheID}}\t{{.Owner}}\t{{.Mode}}\t{{.Size}}\t{{.LastUsed}}\t{{.InUse}}";
const HEADERS = {
  ID: "ID",
  CacheID: "CACHE ID",
  Owner: "OWNER",
  Mode: "MODE",
  Size: "SIZE",
  CreatedAt: "CREATED",
  LastUsed: "LAST USED",
  UsageCount: "USED",
  InUse: "IN USE",
  Description: "DESCRIPTION",
};
const PATH = "/hoy/build/cache-mounts";

export const ls = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    format: listFormat(),
    "no-trunc": flag.bool("Don't truncate output"),
    quiet: flag.bool("Only display IDs", { short: "q" }),
  },
  async run({ engine, io }, { flags }) {
    const mounts = await engine.json<CacheMount[]>("GET", PATH);
    const rows = mounts.map((mount) => viewOf(mount, !flags["no-trunc"]));
    const isTable = flags.format === "" || flags.format === "table";
    const format = flags.quiet ? "{{.ID}}" : isTable ? TABLE : flags.format;
    printList(io.stdout, { format, headers: HEADERS, rows });
  },
});

export const exportMount = command({
  usage: "[OPTIONS] CACHE-MOUNT",
  args: args.exactly(1),
  details: "CACHE-MOUNT is the id= of RUN --mount=type=cache (without one, where it is mounted), or an ID of `ls`.",
  flags: { output: flag.string("Write to a file, instead of STDOUT", { short: "o" }) },
  async run({ engine, io }, { flags, args: [name = ""] }) {
    if (flags.output === "" && io.stdout.isTTY)
      throw new ExitError(1, "cowardly refusing to write an archive to a terminal. Use the -o flag or redirect");
    const file = flags.output === "" ? undefined : await checkOutputPath(flags.output, io.cwd, "export cache mount");
    const { body } = await engine.send("GET", `${PATH}/archive`, { query: { name } });
    if (file === undefined) await copyTo(io.stdout, body);
    else await writeFileWhole(file, body);
  },
});

export const importMount = command({
  usage: "[OPTIONS]",
  args: args.none,
  details: "The archive may be compressed (gzip, zstd, xz, bzip2).",
  flags: {
    input: flag.string("Read from a file, instead of STDIN", { short: "i" }),
    replace: flag.bool("Put it in the place of one of the same kind"),
  },
  async run(context, { flags }) {
    const { engine, io } = context;
    await using input = await openInput(context, flags.input);
    const { body } = await engine.send("PUT", `${PATH}/archive`, {
      query: { replace: flags.replace ? "1" : "0" },
      upload: { type: "application/x-tar", body: input.chunks },
    });
    const chunks: Uint8Array[] = [];
    for await (const data of body) chunks.push(data);
    const made = JSON.parse(Buffer.concat(chunks).toString()) as CacheMount;
    io.stdout.line(`Imported ${made.CacheId} as ${truncateId(made.Id)} (${humanSize(made.Size)})`);
  },
});

function viewOf(mount: CacheMount, truncate: boolean): View {
  const known = (text: string) => (text === "" ? "-" : text);
  return new View("*formatter.cacheMountContext", {
    ID: () => (truncate ? truncateId(mount.Id) : mount.Id),
    CacheID: () => known(mount.CacheId),
    Owner: () => known(mount.Owner),
    Mode: () => known(mount.Mode),
    Size: () => humanSize(mount.Size),
    CreatedAt: () => mount.CreatedAt,
    LastUsed: () => ago(Date.parse(mount.LastUsedAt) / 1000),
    UsageCount: () => String(mount.UsageCount),
    InUse: () => String(mount.InUse),
    Description: () => mount.Description,
  });
}
