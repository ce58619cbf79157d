// The checksum of what a copy or a mount takes from a tree: names, kinds, owners, modes, attributes and data. Not times:
// the same files checked out another day are the same files.

import { createHash, type Hash, hash as hashOf } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Digest } from "../../../base/digest.ts";
import { O, OwnedFd } from "../../../linux/open.ts";
import { S } from "../../../linux/stat.ts";
import { rawToText } from "../../../storage/tar/entry.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import type { NotedFile } from "../../explain/files.ts";
import { readFrom, readSmall, SMALL } from "./data.ts";
import {
  attributesOfSelected,
  type CopyChange,
  type CopySource,
  findMatches,
  type Selected,
  targetOfSelected,
  walkMatch,
} from "./select.ts";

/** @param note is told of each file, by its path from where the copy finds it. @throws HoyError "not-found" when the copy names nothing. */
export async function copyChecksum(
  source: CopySource,
  change: CopyChange,
  signal: AbortSignal,
  note: (file: NotedFile) => void = () => undefined,
): Promise<Digest> {
  using stack = new DisposableStack();
  const hash = createHash("sha256");
  for (const match of await findMatches(source, change, stack)) {
    hash.update(`match ${JSON.stringify([match.name, match.parents])}\n`);
    const named = (file: NotedFile) => {
      const path = [match.name, file.path].filter((part) => part !== "").join("/");
      note({ ...file, path: rawToText(path === "" ? "/" : path) });
    };
    let count = 0;
    for (const selected of walkMatch(match, change)) {
      const data = dataDigest(selected, signal);
      addFile(hash, selected, typeof data === "string" ? data : await data, named);
      // Files that are read at once would keep all other work waiting for the whole tree.
      if (++count % IN_A_TURN !== 0) continue;
      signal.throwIfAborted();
      await setImmediate();
    }
  }
  return `sha256:${hash.digest("hex")}`;
}

/** Files between two looks at what else there is to do. */
const IN_A_TURN = 256;

/** @param data of a file that is not empty, its digest; else "" */
function addFile(hash: Hash, selected: Selected, data: string, note: (file: NotedFile) => void): void {
  const { path, status } = selected;
  const { mode, uid, gid, xattrs } = attributesOfSelected(selected);
  const type = status.mode & S.IFMT;
  const attributes = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString("latin1")]);
  const size = type === S.IFREG ? status.size : 0;
  const target = type === S.IFLNK ? targetOfSelected(selected) : "";
  const isDevice = selected.fd !== undefined && (type === S.IFCHR || type === S.IFBLK);
  const device = isDevice ? [selected.status.rdev.major, selected.status.rdev.minor] : [];
  hash.update(`${JSON.stringify([path, type, mode, uid, gid, size, target, device, attributes, data])}\n`);
  note({
    path,
    attributes: `${KINDS[type] ?? "special"} ${mode.toString(8).padStart(4, "0")} ${uid}:${gid}`,
    content: data === "" ? (target === "" ? "empty" : `-> ${target}`) : `sha256:${data.slice(0, 12)}`,
  });
}

const KINDS: Readonly<Record<number, string>> = { [S.IFREG]: "file", [S.IFDIR]: "directory", [S.IFLNK]: "link" };

/** In hexadecimal; "" for what is no file, or an empty one. */
function dataDigest({ fd, known, status }: Selected, signal: AbortSignal): string | Promise<string> {
  if (fd === undefined) return known?.digest ?? "";
  const { mode, size } = status;
  if ((mode & S.IFMT) !== S.IFREG || size === 0) return "";
  if (size > SMALL) return largeDigest(fd, size, signal);
  using file = new OwnedFd(reopen(fd, O.RDONLY));
  return hashOf("sha256", readSmall(file.fd, 0, size), "hex");
}

async function largeDigest(fd: number, size: number, signal: AbortSignal): Promise<string> {
  using file = new OwnedFd(reopen(fd, O.RDONLY));
  const hash = createHash("sha256");
  for await (const chunk of readFrom(file.fd, 0, size, signal)) hash.update(chunk);
  return hash.digest("hex");
}

/** Of a file or directory that is mounted. @throws HoyError "not-found" when it is not there. */
export async function mountChecksum(
  source: CopySource,
  selector: string,
  signal: AbortSignal,
  note?: (file: NotedFile) => void,
): Promise<Digest> {
  return copyChecksum(
    source,
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
    note,
  );
}
