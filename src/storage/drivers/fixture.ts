// For tests of snapshots: archives made of a few lines, and what a directory tree is, as text that can be compared.

import { createHash } from "node:crypto";
import { mkdtempSync, openSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Paths } from "../../base/paths.ts";
import { readlinkat } from "../../linux/at.ts";
import { MNT, unmount } from "../../linux/mount.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { S } from "../../linux/stat.ts";
import { getXattr, listXattrs } from "../../linux/xattr.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter, type TarHeader } from "../tar/writer.ts";
import { openContainerTree } from "../tree/container-tree.ts";
import { walkTree } from "../tree/walk.ts";

export interface ArchiveFile extends Partial<TarHeader> {
  readonly name: string;
  readonly data?: string | Uint8Array;
}

/** An archive of these files; a name that ends in "/" is a directory, all else is a file unless said. */
export function archive(...files: readonly ArchiveFile[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { data = "", ...header } of files) {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const type = header.type ?? (header.name.endsWith("/") ? "dir" : "file");
    const mode = type === "dir" ? 0o755 : 0o644;
    parts.push(
      formatHeader({ ...PLAIN, type, mode, size: bytes.length, ...header }),
      bytes,
      paddingAfter(bytes.length),
    );
  }
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

const PLAIN: TarHeader = {
  type: "file",
  name: "",
  linkname: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 1_700_000_000_000_000_000n,
  device: { major: 0, minor: 0 },
  xattrs: new Map(),
};

export async function* streamOf(bytes: Uint8Array, piece = 64 * 1024): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A root for an engine's data, removed with all mounts in it. */
export class Scratch implements AsyncDisposable {
  readonly path = mkdtempSync("/tmp/hoy-snapshot-");
  readonly paths: Paths = { data: join(this.path, "data"), run: join(this.path, "run") };

  mounts(): string[] {
    const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return lines.flatMap((line) => line.split(" ")[4] ?? []).filter((target) => target.startsWith(`${this.path}/`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const target of this.mounts()) unmount(target, MNT.DETACH);
    await rm(this.path, { recursive: true, force: true });
  }
}

/** What a container sees of these lowers: each path, and what it is in one line. */
export function seen(lowers: readonly string[]): Record<string, string> {
  using root = openContainerTree({ lowers });
  return describeTree(root.fd);
}

export function describeDirectory(path: string): Record<string, string> {
  using root = new OwnedFd(openSync(path, O.RDONLY | O.DIRECTORY));
  return describeTree(root.fd);
}

/** All but what file systems differ in: sizes and link counts of directories, inode numbers, other times. */
export function describeTree(root: number): Record<string, string> {
  const found: Record<string, string> = {};
  const firstNames = new Map<bigint, string>();
  for (const { path, fd, status } of walkTree(root)) {
    const through = `/proc/self/fd/${fd}`;
    const type = status.mode & S.IFMT;
    const parts = [
      (status.mode & 0o177777).toString(8),
      `${status.uid}:${status.gid}`,
      `${status.mtime}`,
      ...listXattrs(through, true)
        .filter((name) => !name.startsWith("trusted.overlay."))
        .sort()
        .map((name) => `${name}=${getXattr(through, name, true)?.toString("hex")}`),
    ];
    if (type === S.IFLNK) parts.push(`-> ${readlinkat(fd, "").toString("latin1")}`);
    if (type === S.IFCHR || type === S.IFBLK) parts.push(`${status.rdev.major},${status.rdev.minor}`);
    if (type === S.IFREG)
      parts.push(`${status.size}`, createHash("sha256").update(readFileSync(through)).digest("hex"));
    if (type !== S.IFDIR) {
      parts.push(`links ${status.nlink}`);
      const first = firstNames.get(status.inode);
      if (status.nlink > 1 && first !== undefined) parts.push(`same as ${first}`);
      firstNames.set(status.inode, path);
    }
    found[path] = parts.join(" ");
  }
  return found;
}

/** Names only, with files' contents: for tests of what is there rather than how. */
export function contents(lowers: readonly string[]): Record<string, string> {
  using root = openContainerTree({ lowers });
  const found: Record<string, string> = {};
  for (const { path, fd, status } of walkTree(root.fd)) {
    const type = status.mode & S.IFMT;
    if (type === S.IFDIR) found[`${path}/`] = "";
    else if (type === S.IFLNK) found[path] = `-> ${readlinkat(fd, "").toString("latin1")}`;
    else found[path] = type === S.IFREG ? readFileSync(`/proc/self/fd/${fd}`, "utf8") : "special";
  }
  return found;
}
