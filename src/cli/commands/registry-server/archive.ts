// `registry export` and `registry import`: a whole registry as one archive, and back.

import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { exportRegistry } from "../../../registry/server/archive/export.ts";
import { importRegistry, settle } from "../../../registry/server/archive/import.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { checkOutputPath, copyTo, writeFileWhole } from "../../stream/files.ts";
import { requireRegistry, rootFlag } from "./root.ts";
import { blobsOf, s3Flags } from "./s3.ts";

export const exportAll = command({
  usage: "[OPTIONS]",
  args: args.none,
  details:
    "The archive is an OCI image layout with all images, and the registry's books: accounts with their hashes, rules, " +
    "secrets of webhooks and upstreams. Keep it as you keep those. The registry may run meanwhile.",
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
    root: rootFlag(),
    ...s3Flags(),
  },
  async run({ io }, { flags }) {
    requireRegistry(flags.root);
    if (flags.output === "" && io.stdout.isTTY)
      throw new ExitError(1, "cowardly refusing to export to a terminal. Use the -o flag or redirect");
    const file = flags.output === "" ? undefined : await checkOutputPath(flags.output, io.cwd, "export registry");
    const archive = exportRegistry(flags.root, blobsOf(flags, process.env));
    if (file === undefined) await copyTo(io.stdout, archive);
    else await writeFileWhole(file, archive);
  },
});

export const importAll = command({
  usage: "[OPTIONS]",
  args: args.none,
  details:
    "Makes a registry from an archive of `registry export`, in a folder that has none yet: whole, or not at all.",
  flags: {
    input: flag.string("Read from a file, instead of STDIN", { short: "i" }),
    root: rootFlag(),
    ...s3Flags(),
  },
  async run({ io }, { flags }) {
    if (flags.input === "" && io.stdin.isTTY) throw new ExitError(1, "requested import from stdin, but stdin is empty");
    const blobs = blobsOf(flags, process.env);
    const archive = flags.input === "" ? io.stdin.read() : fromFile(resolve(io.cwd, flags.input));
    const { repositories, blobs: count } = await importRegistry(flags.root, archive, blobs);
    await settle(flags.root, blobs);
    io.stdout.line(`${repositories} repositories, ${count} blobs`);
  },
});

async function* fromFile(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) yield chunk;
  } catch (error) {
    throw new ExitError(1, messageOf(error));
  }
}
