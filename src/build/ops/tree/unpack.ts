// ADD of an archive: a tar, compressed or not, known by what is in it and not by its name, unpacked into the target.
// The archive is a stranger's: its paths are resolved in the tree, and its links with them.

import { randomUUID } from "node:crypto";
import { openSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { O, OwnedFd } from "../../../linux/open.ts";
import { S } from "../../../linux/stat.ts";
import { decompress } from "../../../storage/decompress.ts";
import { cleanName } from "../../../storage/layer/name.ts";
import { keptXattrs } from "../../../storage/layer/xattrs.ts";
import type { TarEntry } from "../../../storage/tar/entry.ts";
import { TarParser } from "../../../storage/tar/parser.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import type { CopyContext, Stamp } from "./copy.ts";
import { readFrom } from "./data.ts";
import type { DraftInode } from "./draft.ts";
import type { Match } from "./select.ts";
import { type Path, shown, type WorkingTree } from "./working-tree.ts";

const MAX_ENTRIES = 1_000_000;
/** Bytes that an archive may come to: a small one may be a bomb. */
const MAX_SIZE = 64 * 2 ** 30;

/** @returns false when the match is no archive: then it is copied like any other file. */
export async function unpackMatch(
  { tree, held, temporary, signal }: CopyContext,
  match: Match,
  target: Path,
  stamp: Stamp,
): Promise<boolean> {
  if ((match.status.mode & S.IFMT) !== S.IFREG || match.status.size === 0) return false;
  if (match.top === undefined) throw new Error("an archive in a known tree was not looked for on the disk");
  const entries: TarEntry[] = [];
  let isArchive: boolean;
  let spool: OwnedFd;
  try {
    spool = await spooled(match.top, match.status.size, temporary, signal, entries);
    isArchive = entries.length > 0;
  } catch (error) {
    if (error instanceof NotAnArchive) return false;
    throw error;
  }
  held.use(spool);
  if (!isArchive) return false;
  tree.directory(target, () => stamp.parent(match.status.mtime));
  const inodes = new Map<string, DraftInode>();
  for (const entry of entries) unpackEntry(tree, entry, target, spool, stamp, inodes);
  return true;
}

class NotAnArchive extends Error {}

/** The archive as a plain tar in a file without a name; its entries are told on the way. */
async function spooled(
  archive: OwnedFd,
  length: number,
  temporary: string,
  signal: AbortSignal,
  entries: TarEntry[],
): Promise<OwnedFd> {
  const parser = new TarParser({
    entry(entry) {
      if (entries.length >= MAX_ENTRIES) throw new HoyError("too-large", "too many files in an archive");
      entries.push(entry);
    },
  });
  using source = new OwnedFd(reopen(archive.fd, O.RDONLY));
  const path = join(temporary, `build-unpack-${randomUUID()}`);
  const file = await open(path, "wx", 0o600);
  try {
    let size = 0;
    try {
      for await (const chunk of decompress(readFrom(source.fd, 0, length, signal), { signal })) {
        size += chunk.length;
        if (size > MAX_SIZE) throw new HoyError("too-large", `an archive of more than ${MAX_SIZE} bytes`);
        parser.push(chunk);
        await file.writeFile(chunk);
      }
      parser.end();
    } catch (error) {
      // What does not even begin like an archive is none; what does, and then is broken, is a broken archive.
      if (entries.length === 0 && error instanceof HoyError && error.code === "invalid") throw new NotAnArchive();
      throw error;
    }
    return new OwnedFd(openSync(path, "r"));
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

function unpackEntry(
  tree: WorkingTree,
  entry: TarEntry,
  target: Path,
  spool: OwnedFd,
  stamp: Stamp,
  inodes: Map<string, DraftInode>,
): void {
  const name = cleanName(entry.name);
  const last = name.at(-1);
  if (last === undefined) return;
  // Links on the way may lead anywhere in the tree, also out of the target, as for tar in a chroot.
  const parent = tree.resolve([...target, ...name.slice(0, -1)]);
  tree.directory(parent, () => stamp.parent(entry.mtime));
  const to = [...parent, last];
  const there = tree.find(to);
  const type = entry.type === "hardlink" ? "file" : entry.type;
  const { mode, uid, gid, mtime } = entry;
  const plain = { mode, uid, gid, mtime, xattrs: keptXattrs(type, entry.xattrs) };
  if (entry.type === "dir") {
    if (there !== undefined && there.kind !== "dir") tree.remove(to);
    const attributes = stamp.of(plain, true);
    tree.directory(to, () => attributes).attributes = attributes;
    return;
  }
  if (there?.kind === "dir") tree.remove(to);
  const inode = entry.type === "hardlink" ? linked(tree, entry, target, inodes) : inodeOf(entry, spool, stamp, plain);
  inodes.set(to.join("/"), inode);
  tree.put(to, { kind: "leaf", inode });
}

function inodeOf(entry: TarEntry, file: OwnedFd, stamp: Stamp, plain: DraftInode["attributes"]): DraftInode {
  if (entry.type === "dir" || entry.type === "hardlink") throw new Error("not a file of its own");
  const { type, linkname, device, size, offset, sparse } = entry;
  return {
    type,
    attributes: stamp.of(plain, false, type === "symlink"),
    target: type === "symlink" ? linkname : "",
    device,
    size,
    content: type === "file" ? { kind: "piece", file, offset, segments: sparse } : undefined,
  };
}

function linked(tree: WorkingTree, entry: TarEntry, target: Path, inodes: Map<string, DraftInode>): DraftInode {
  const path = tree.resolve([...target, ...cleanName(entry.linkname)], false);
  const found = inodes.get(path.join("/"));
  if (found === undefined) {
    throw new HoyError("invalid", `hard link to a file that is not in the archive before it: ${shown(path)}`);
  }
  return found;
}
