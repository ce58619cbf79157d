// The checksum of what a copy or a mount takes from a tree: names, kinds, owners, modes, attributes and data. Not times:
// the same files checked out another day are the same files.

import { createHash, type Hash } from "node:crypto";
import type { Digest } from "../../../base/digest.ts";
import { readlinkat } from "../../../linux/at.ts";
import { O, OwnedFd } from "../../../linux/open.ts";
import { S } from "../../../linux/stat.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import { attributesOf } from "./attributes.ts";
import { readFrom } from "./data.ts";
import { type CopyChange, findMatches, type Selected, walkMatch } from "./select.ts";

/** @throws HoyError "not-found" when the copy names nothing. */
export async function copyChecksum(root: OwnedFd, change: CopyChange, signal: AbortSignal): Promise<Digest> {
  using stack = new DisposableStack();
  const hash = createHash("sha256");
  for (const match of findMatches(root, change, stack)) {
    hash.update(`match ${JSON.stringify([match.name, match.parents])}\n`);
    for (const selected of walkMatch(match, change)) await addFile(hash, selected, signal);
  }
  return `sha256:${hash.digest("hex")}`;
}

async function addFile(hash: Hash, { path, fd, status }: Selected, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { mode, uid, gid, xattrs } = attributesOf(fd, status);
  const type = status.mode & S.IFMT;
  const attributes = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString("latin1")]);
  const size = type === S.IFREG ? status.size : 0;
  const target = type === S.IFLNK ? readlinkat(fd, "").toString("latin1") : "";
  const device = type === S.IFCHR || type === S.IFBLK ? [status.rdev.major, status.rdev.minor] : [];
  hash.update(`${JSON.stringify([path, type, mode, uid, gid, size, target, device, attributes])}\n`);
  if (type === S.IFREG && size > 0) await addData(hash, fd, size, signal);
}

async function addData(hash: Hash, fd: number, size: number, signal: AbortSignal): Promise<void> {
  using file = new OwnedFd(reopen(fd, O.RDONLY));
  for await (const chunk of readFrom(file.fd, 0, size, signal)) hash.update(chunk);
}

/** Of a file or directory that is mounted. @throws HoyError "not-found" when it is not there. */
export async function mountChecksum(root: OwnedFd, selector: string, signal: AbortSignal): Promise<Digest> {
  return copyChecksum(
    root,
    {
      type: "copy",
      source: selector === "" ? "/" : selector,
      target: "/",
      owner: undefined,
      mode: undefined,
      followSymlink: true,
      contentsOnly: true,
      unpack: false,
      createTarget: false,
      allowWildcard: false,
      allowEmptyWildcard: false,
      include: [],
      exclude: [],
      parents: false,
      alwaysReplace: false,
      created: undefined,
    },
    signal,
  );
}
