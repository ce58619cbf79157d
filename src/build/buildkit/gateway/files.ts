// Looking into results: one file's content or what stat(2) says, one directory's names.

import { HoyError } from "../../../base/error.ts";
import { readlinkat } from "../../../linux/at.ts";
import { readDirectory } from "../../../linux/directory.ts";
import { isErrno } from "../../../linux/libc.ts";
import { O, OwnedFd, openInRoot } from "../../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../../linux/stat.ts";
import { rawBytes, rawToText, type TarType } from "../../../storage/tar/entry.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import { readFrom } from "../../ops/tree/data.ts";
import { goMode } from "../session/go-mode.ts";

/** What one message can carry, with room to spare. */
const READ_LIMIT = 15 * 1024 * 1024;
const MAX_ENTRIES = 50_000;

export async function readFile(
  root: OwnedFd,
  path: string,
  range: { readonly offset: bigint; readonly length: bigint } | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  using found = open(root, path, O.PATH);
  const { mode, size } = fdstat(found.fd);
  if ((mode & S.IFMT) !== S.IFREG) throw new HoyError("invalid", `${path} is not a file`);
  const start = Math.min(Number(range?.offset ?? 0n), size);
  const wanted =
    range === undefined || range.length <= 0n ? size - start : Math.min(Number(range.length), size - start);
  if (wanted > READ_LIMIT) throw new HoyError("too-large", `${path} is larger than ${READ_LIMIT} bytes`);
  using file = new OwnedFd(reopen(found.fd, O.RDONLY));
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFrom(file.fd, Math.max(0, start), wanted, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function statFile(root: OwnedFd, path: string) {
  using found = open(root, path, O.PATH | O.NOFOLLOW);
  return statOf(path.slice(path.lastIndexOf("/") + 1), found.fd, fdstat(found.fd));
}

/** @param pattern "" for all; else names with `*` and `?` */
export function readDir(root: OwnedFd, path: string, pattern: string) {
  using found = open(root, path, O.PATH);
  if ((fdstat(found.fd).mode & S.IFMT) !== S.IFDIR) throw new HoyError("invalid", `${path} is not a directory`);
  using directory = new OwnedFd(reopen(found.fd, O.RDONLY | O.DIRECTORY));
  const matches = globOf(pattern);
  const names = readDirectory(directory.fd)
    .map(({ name }) => name)
    .filter((name) => matches(rawToText(name)))
    .sort();
  if (names.length > MAX_ENTRIES) throw new HoyError("too-large", `${path} has more than ${MAX_ENTRIES} entries`);
  return names.map((name) => {
    using entry = new OwnedFd(openInRoot(directory.fd, rawBytes(name), O.PATH | O.NOFOLLOW));
    return statOf(rawToText(name), entry.fd, fdstat(entry.fd));
  });
}

function open(root: OwnedFd, path: string, flags: number): OwnedFd {
  try {
    return new OwnedFd(openInRoot(root.fd, path === "" ? "/" : path, flags));
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) throw error;
    throw new HoyError("not-found", `open ${path}: no such file or directory`, { cause: error });
  }
}

const TYPES: Readonly<Record<number, TarType>> = {
  [S.IFREG]: "file",
  [S.IFDIR]: "dir",
  [S.IFLNK]: "symlink",
  [S.IFCHR]: "char",
  [S.IFBLK]: "block",
  [S.IFIFO]: "fifo",
};

function statOf(name: string, fd: number, { mode, uid, gid, size, mtime, rdev }: FileStatus) {
  const type = TYPES[mode & S.IFMT] ?? "file";
  return {
    path: name,
    mode: goMode(type, mode & 0o7777),
    uid,
    gid,
    size: BigInt(size),
    modTime: mtime,
    linkname: type === "symlink" ? readlinkat(fd, "").toString() : "",
    devmajor: BigInt(rdev.major),
    devminor: BigInt(rdev.minor),
  };
}

function globOf(pattern: string): (name: string) => boolean {
  if (pattern === "") return () => true;
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  const regular = new RegExp(`^${source}$`);
  return (name) => regular.test(name);
}
