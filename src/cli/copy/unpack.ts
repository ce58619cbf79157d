// A tar stream from a container, unpacked here. Whoever runs in the container chose every byte of it, so: no name leaves
// the directory, and nothing is ever written through a link that lies in it. Owners are ours, modes and times the
// archive's.

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { chmod, link, lstat, lutimes, mkdir, open, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Extract, extract } from "tar-stream";
import { HoyError } from "../../base/error.ts";

const run = promisify(execFile);

interface Later {
  readonly path: string;
  readonly mode: number;
  readonly mtime: Date;
}

/** Set-id bits are another user's rights, which a copy here must not give. */
const MODE = 0o1777;

/** @throws HoyError when the archive is broken or tries to leave `directory`. */
export async function unpackTree(
  source: AsyncIterable<Uint8Array>,
  directory: string,
  rename: (name: string) => string,
): Promise<void> {
  const tar = extract();
  const feeding = feed(source, tar);
  const directories: Later[] = [];
  for await (const entry of tar) {
    const path = placeOf(directory, rename(entry.header.name));
    if (path !== undefined) await unpackEntry(entry, path, directory, rename, directories);
    entry.resume();
  }
  await feeding;
  // Deepest first: a directory without write permission must be full by then.
  for (const { path, mode, mtime } of directories.reverse()) {
    await chmod(path, mode);
    await lutimes(path, mtime, mtime);
  }
}

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

/** Writes the archive into the reader; a failure of the source ends both. */
async function feed(source: AsyncIterable<Uint8Array>, tar: Extract): Promise<void> {
  try {
    for await (const piece of source) if (!tar.write(piece)) await drained(tar);
    tar.end(undefined);
  } catch (thrown) {
    tar.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}

/** Also when it takes nothing any more. */
function drained(tar: Extract): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  tar.on("drain", resolve).on("close", resolve);
  return promise.finally(() => tar.off("drain", resolve).off("close", resolve));
}

/** Where a name is; undefined for the directory itself. @throws HoyError for names that lead out. */
function placeOf(directory: string, name: string): string | undefined {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || name.includes("\0"))
    throw new HoyError("invalid", `the archive holds a name that leads out: ${JSON.stringify(name)}`);
  return parts.length === 0 ? undefined : join(directory, ...parts);
}

async function unpackEntry(
  entry: Entry,
  path: string,
  directory: string,
  rename: (name: string) => string,
  directories: Later[],
): Promise<void> {
  const { type, mode = 0o644, mtime = new Date(), linkname } = entry.header;
  await checkParents(path, directory);
  const before = await lstat(path).catch(() => undefined);
  if (type === "directory") {
    if (before !== undefined && !before.isDirectory()) throw replaced(path, "non-directory", "directory");
    if (before === undefined) await mkdir(path);
    directories.push({ path, mode: mode & MODE, mtime });
    return;
  }
  if (before?.isDirectory() === true) throw replaced(path, "directory", "non-directory");
  if (before !== undefined) await rm(path);
  switch (type) {
    case "file":
    case "contiguous-file": {
      // A new file, never one that is there: between the look and the opening somebody could have put a link.
      const file = await open(
        path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o600,
      );
      try {
        for await (const piece of entry) await file.write(piece as Uint8Array);
        await file.chmod(mode & MODE);
        await file.utimes(mtime, mtime);
      } finally {
        await file.close();
      }
      return;
    }
    case "symlink":
      await symlink(linkname ?? "", path);
      await lutimes(path, mtime, mtime);
      return;
    case "link": {
      const target = placeOf(directory, rename(linkname ?? ""));
      if (target === undefined) throw new HoyError("invalid", `the archive holds a bad hard link: ${path}`);
      await checkParents(target, directory);
      await link(target, path);
      return;
    }
    case "character-device":
    case "block-device":
    case "fifo":
      await makeNode(type, path, mode & MODE, entry.header);
      await lutimes(path, mtime, mtime);
      return;
    default:
      throw new HoyError("not-implemented", `${path}: a ${type} can't be made here; copy it with "-" as a tar archive`);
  }
}

const LETTERS = { "character-device": "c", "block-device": "b", fifo: "p" } as const;

/** By mknod(1): Node can't. It makes a new file or fails, and follows no link. */
async function makeNode(
  type: keyof typeof LETTERS,
  path: string,
  mode: number,
  { devmajor = 0, devminor = 0 }: Entry["header"],
): Promise<void> {
  const device = type === "fifo" ? [] : [String(devmajor), String(devminor)];
  await run("mknod", ["-m", mode.toString(8), "--", path, LETTERS[type], ...device]).catch((cause: unknown) => {
    const words = cause instanceof Error ? cause.message.split("\n").slice(1).join(" ").trim() : String(cause);
    throw new HoyError("forbidden", `${path}: the ${type} could not be made: ${words}`, { cause });
  });
}

/** Every directory between must be a real one; missing ones are made. */
async function checkParents(path: string, directory: string): Promise<void> {
  const missing: string[] = [];
  for (let parent = dirname(path); parent.length > directory.length && parent !== "/"; parent = dirname(parent)) {
    const stat = await lstat(parent).catch(() => undefined);
    if (stat === undefined) missing.push(parent);
    else if (!stat.isDirectory())
      throw new HoyError("invalid", `refusing to write through ${parent}, which is no directory`);
  }
  for (const parent of missing.reverse()) await mkdir(parent);
}

function replaced(path: string, old: string, fresh: string): HoyError {
  return new HoyError("conflict", `cannot overwrite ${old} ${JSON.stringify(path)} with ${fresh}`);
}
