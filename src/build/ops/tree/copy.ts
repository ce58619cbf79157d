// Copying into a tree: what of the source goes where, with which owner, mode and time. What a directory, a file or a
// link does to what is there already is BuildKit's rule (fsutil/copy), texts included.

import { HoyError } from "../../../base/error.ts";
import type { OwnedFd } from "../../../linux/open.ts";
import { S } from "../../../linux/stat.ts";
import type { RawText } from "../../../storage/tar/entry.ts";
import { type Attributes, attributesOf, NO_XATTRS } from "./attributes.ts";
import { type DraftInode, type DraftNode, NO_DEVICE } from "./draft.ts";
import { leafOf } from "./leaf.ts";
import { type ModeChange, modeChange } from "./mode.ts";
import { type Ids, ownerIds } from "./owner.ts";
import {
  attributesOfSelected,
  type CopyChange,
  type CopySource,
  findMatches,
  type Match,
  openAt,
  type Selected,
  walkMatch,
} from "./select.ts";
import { unpackMatch } from "./unpack.ts";
import { type Path, shown, type WorkingTree } from "./working-tree.ts";

export interface CopyContext {
  readonly tree: WorkingTree;
  readonly source: CopySource;
  /** Files that the draft points into stay open until it is written. */
  readonly held: DisposableStack;
  /** For what has to be decompressed first. */
  readonly temporary: string;
  readonly signal: AbortSignal;
}

/** @throws HoyError "not-found" when the source names nothing, "invalid" for what can't be put there. */
export async function copyInto(context: CopyContext, change: CopyChange): Promise<void> {
  const { tree, source, held, signal } = context;
  const target = targetOf(tree, change);
  const stamp = new Stamp(ownerIds(tree, change.owner), modeChange(change.mode), change.created);
  for (const match of await findMatches(source, change, held)) {
    signal.throwIfAborted();
    if (change.unpack && (await unpackMatch(context, match, target.path, stamp))) continue;
    await copyMatch(context, match, change, target, stamp);
  }
}

interface Target {
  readonly path: Path;
  /** Written with a slash at its end: it is a directory even if nothing is there. */
  readonly isDirectory: boolean;
}

function targetOf(tree: WorkingTree, { target, createTarget }: CopyChange): Target {
  const path = tree.resolve(target);
  if (!createTarget && tree.find(path.slice(0, -1))?.kind !== "dir" && path.length > 1) {
    throw new HoyError("not-found", `failed to stat ${target}: no such file or directory`);
  }
  return { path, isDirectory: /(?:^|\/)\.?$/.test(target) };
}

/** Owner, mode and time of what is made. */
export class Stamp {
  readonly #ids: Ids;
  readonly #mode: ModeChange;
  readonly #time: bigint | undefined;

  constructor(ids: Ids, mode: ModeChange, created: number | undefined) {
    this.#ids = ids;
    this.#mode = mode;
    this.#time = created === undefined ? undefined : BigInt(created) * 1_000_000_000n;
  }

  of(source: Attributes, isDirectory: boolean, isLink = false): Attributes {
    return {
      mode: isLink ? source.mode : this.#mode(source.mode, isDirectory),
      uid: this.#ids.uid ?? source.uid,
      gid: this.#ids.gid ?? source.gid,
      mtime: this.#time ?? source.mtime,
      xattrs: source.xattrs,
    };
  }

  /** A directory that nobody named: made because something goes into it. */
  parent(mtime: bigint): Attributes {
    const { uid = 0, gid = 0 } = this.#ids;
    return { mode: 0o755, uid, gid, mtime: this.#time ?? mtime, xattrs: NO_XATTRS };
  }
}

async function copyMatch(
  context: CopyContext,
  match: Match,
  change: CopyChange,
  target: Target,
  stamp: Stamp,
): Promise<void> {
  const { tree } = context;
  const isDirectory = (match.status.mode & S.IFMT) === S.IFDIR;
  const parent = () => stamp.parent(match.status.mtime);
  let base = [...target.path];
  if (target.isDirectory) tree.directory(base, parent);
  if (change.parents) {
    base = makeParents(context, await context.source.root(), match, base, stamp);
    if (match.name !== "") base.push(match.name);
  } else if (!(isDirectory && change.contentsOnly) && tree.find(base)?.kind === "dir" && match.name !== "") {
    base.push(match.name);
  }
  const intoItself = isDirectory && change.contentsOnly && !change.parents;
  tree.directory(intoItself ? base : base.slice(0, -1), parent);
  const links = new Map<string, DraftInode>();
  for (const selected of walkMatch(match, change)) {
    if (selected.path === "" && intoItself) continue;
    const path = selected.path === "" ? base : [...base, ...selected.path.split("/")];
    place(context, match, selected, path, links, change, stamp);
  }
}

/** COPY --parents: the directories around a match, with the attributes that they have in the source. */
function makeParents(context: CopyContext, source: OwnedFd, match: Match, base: Path, stamp: Stamp): RawText[] {
  const at = [...base];
  context.tree.directory(at, () => stamp.parent(match.status.mtime));
  const below: RawText[] = [...match.pivot];
  for (const name of match.parents) {
    at.push(name);
    below.push(name);
    using directory = openAt(source, below, true);
    if (directory === undefined) continue;
    const attributes = stamp.of(attributesOf(directory.fd), true);
    context.tree.directory(at, () => attributes);
  }
  return at;
}

function place(
  { tree }: CopyContext,
  match: Match,
  selected: Selected,
  to: Path,
  links: Map<string, DraftInode>,
  change: CopyChange,
  stamp: Stamp,
): void {
  const type = selected.status.mode & S.IFMT;
  const there = tree.find(to);
  const isDirectory = type === S.IFDIR;
  if (there !== undefined && (there.kind === "dir") !== isDirectory) {
    if (!change.alwaysReplace) throw cannotReplace(to, isDirectory);
    tree.remove(to);
  }
  const attributes = stamp.of(attributesOfSelected(selected), isDirectory, type === S.IFLNK);
  if (isDirectory) {
    tree.directory(to, () => attributes).attributes = attributes;
    return;
  }
  const key = linkKey(match, selected);
  const earlier = key === undefined ? undefined : links.get(key);
  const inode = earlier ?? inodeOf(match, selected, attributes);
  if (inode === undefined) return;
  if (key !== undefined) links.set(key, inode);
  const node: DraftNode = { kind: "leaf", inode };
  tree.put(to, node);
}

/** The same for all names of a file; undefined where it has one only. */
function linkKey(match: Match, { fd, known, status }: Selected): string | undefined {
  if (fd !== undefined) {
    return status.nlink > 1 ? `${status.dev.major}:${status.dev.minor}:${status.inode}` : undefined;
  }
  return known !== undefined && match.known?.isLinked(known) ? String(known.inode) : undefined;
}

function inodeOf(match: Match, { path, fd, known, status }: Selected, attributes: Attributes): DraftInode | undefined {
  if (match.known === undefined) return fd === undefined ? undefined : leafOf(fd, status, attributes, match.top, path);
  if (known === undefined || known.type === "dir") return undefined;
  const { type, size, target, offset } = known;
  if (type !== "file") return { type, attributes, target, device: NO_DEVICE, size: 0, content: undefined };
  if (match.tar === undefined) throw new Error("a copy from a known tree without its tar");
  const content = { kind: "piece", file: match.tar, offset, segments: undefined } as const;
  return { type, attributes, target, device: NO_DEVICE, size, content };
}

function cannotReplace(path: Path, withDirectory: boolean): HoyError {
  const name = shown(path);
  return withDirectory
    ? new HoyError("invalid", `cannot copy to non-directory: ${name}`)
    : new HoyError("invalid", `cannot replace to directory ${name} with file`);
}
