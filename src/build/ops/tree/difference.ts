// What one directory tree has over another, as a layer: for trees that no overlay kept the changes of.

import { readSync } from "node:fs";
import { AT, readlinkat } from "../../../linux/at.ts";
import { readDirectory } from "../../../linux/directory.ts";
import { isErrno } from "../../../linux/libc.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../../linux/stat.ts";
import { type RawText, rawBytes } from "../../../storage/tar/entry.ts";
import { ToldTar } from "../../../storage/tar/told.ts";
import { openContainerTree } from "../../../storage/tree/container-tree.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import { type Attributes, attributesOf } from "./attributes.ts";
import { type DraftDirectory, type DraftInode, draftDirectory } from "./draft.ts";
import { emitDraft } from "./emit.ts";
import { leafOf } from "./leaf.ts";

const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;

export interface DifferenceOptions {
  readonly clamp: bigint | undefined;
  readonly signal: AbortSignal;
}

/** @param lowers top first @param upper the changed tree, a whole one */
export function differenceTar(
  lowers: readonly string[],
  upper: string | readonly string[],
  { clamp, signal }: DifferenceOptions,
): ToldTar {
  return new ToldTar(async function* (tell) {
    using before = openContainerTree({ lowers });
    using after =
      typeof upper === "string"
        ? new OwnedFd(openat2(AT.FDCWD, upper, { flags: O.PATH | O.DIRECTORY }))
        : openContainerTree({ lowers: upper });
    const links = new Map<bigint, DraftInode>();
    const draft = compare(before, after, "", attributesOf(after.fd), after, links, signal);
    const root = draft ?? draftDirectory(attributesOf(after.fd));
    yield* emitDraft(root, { clamp, signal }).told(tell);
  });
}

/** undefined: nothing in it changed. @param before undefined: there was no directory. */
function compare(
  before: OwnedFd | undefined,
  after: OwnedFd,
  path: RawText,
  attributes: Attributes,
  root: OwnedFd,
  links: Map<bigint, DraftInode>,
  signal: AbortSignal,
): DraftDirectory | undefined {
  signal.throwIfAborted();
  const draft = draftDirectory(attributes);
  const names = namesIn(after);
  for (const name of names) {
    const below = path === "" ? name : `${path}/${name}`;
    using now = open(after, name);
    if (now === undefined) continue;
    using old = before === undefined ? undefined : open(before, name);
    const status = fdstat(now.fd);
    const type = status.mode & S.IFMT;
    const was = old === undefined ? undefined : fdstat(old.fd);
    const fresh = attributesOf(now.fd, status);
    const alike = old !== undefined && was !== undefined && (was.mode & S.IFMT) === type;
    const unchanged = alike && sameAttributes(attributesOf(old.fd, was), fresh, type === S.IFDIR);
    if (type === S.IFDIR) {
      const inside = compare(alike ? old : undefined, now, below, fresh, root, links, signal);
      if (inside !== undefined) draft.children.set(name, inside);
      else if (!unchanged) draft.children.set(name, draftDirectory(fresh));
      continue;
    }
    if (unchanged && sameContent(old, was, now, status)) continue;
    const known = status.nlink > 1 ? links.get(status.inode) : undefined;
    const inode = known ?? leafOf(now.fd, status, fresh, root, below);
    if (inode === undefined) continue;
    if (status.nlink > 1) links.set(status.inode, inode);
    draft.children.set(name, { kind: "leaf", inode });
  }
  if (before !== undefined) {
    const have = new Set(names);
    for (const name of namesIn(before)) if (!have.has(name)) draft.children.set(name, { kind: "gone" });
  }
  return draft.children.size === 0 ? undefined : draft;
}

/** A directory's time says only that something in it changed, which is seen there. */
function sameAttributes(one: Attributes, other: Attributes, isDirectory: boolean): boolean {
  if (one.mode !== other.mode || one.uid !== other.uid || one.gid !== other.gid) return false;
  if (!isDirectory && one.mtime !== other.mtime) return false;
  if (one.xattrs.size !== other.xattrs.size) return false;
  return [...one.xattrs].every(([name, value]) => {
    const counterpart = other.xattrs.get(name);
    return counterpart !== undefined && Buffer.compare(value, counterpart) === 0;
  });
}

function sameContent(old: OwnedFd, was: FileStatus, now: OwnedFd, status: FileStatus): boolean {
  switch (status.mode & S.IFMT) {
    case S.IFREG:
      return was.size === status.size && sameData(old, now, status.size);
    case S.IFLNK:
      return readlinkat(old.fd, "").equals(readlinkat(now.fd, ""));
    default:
      return was.rdev.major === status.rdev.major && was.rdev.minor === status.rdev.minor;
  }
}

function sameData(one: OwnedFd, other: OwnedFd, size: number): boolean {
  using first = new OwnedFd(reopen(one.fd, O.RDONLY));
  using second = new OwnedFd(reopen(other.fd, O.RDONLY));
  const [a, b] = [Buffer.alloc(65536), Buffer.alloc(65536)];
  for (let at = 0; at < size; ) {
    const got = readSync(first.fd, a, 0, a.length, at);
    if (got === 0) return false;
    if (readSync(second.fd, b, 0, got, at) !== got || a.compare(b, 0, got, 0, got) !== 0) return false;
    at += got;
  }
  return true;
}

function namesIn(directory: OwnedFd): RawText[] {
  using readable = new OwnedFd(openat2(directory.fd, ".", { flags: O.RDONLY | O.DIRECTORY }));
  return readDirectory(readable.fd)
    .map(({ name }) => name)
    .sort();
}

function open(directory: OwnedFd, name: RawText): OwnedFd | undefined {
  try {
    return new OwnedFd(openat2(directory.fd, rawBytes(name), { flags: O.PATH | O.NOFOLLOW, resolve: BENEATH }));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
