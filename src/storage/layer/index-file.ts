// A layer's index: its tree as JSON beside its tar, so that making an image of a chain need not read the tars again.
// The first line is what is asked often (LayerInfo), the second is the tree, which may be large.

import { HoyError } from "../../base/error.ts";
import type { LayerInfo } from "../snapshot.ts";
import type { RawText, SparseSegment } from "../tar/entry.ts";
import { type Directory, type Inode, impliedDirectory, type LayerTree } from "./tree.ts";

const VERSION = 1;
const TYPES: readonly Inode["type"][] = ["file", "dir", "symlink", "char", "block", "fifo"];
const OPAQUE = 1;
const IMPLIED = 2;
const WHITEOUT = -1;
const BILLION = 1_000_000_000n;

type XattrRow = readonly [RawText, RawText];
/** type, mode, uid, gid, seconds, ns, xattrs, target, major, minor, size, offset, sparse (offset, length, …) or null. */
type InodeRow = readonly [
  number,
  number,
  number,
  number,
  number,
  number,
  readonly XattrRow[],
  RawText,
  number,
  number,
  number,
  number,
  readonly number[] | null,
];
/** Row of the parent, name, row of the inode or -1 for a whiteout, flags. Parents come before children; row 0 is the root. */
type NodeRow = readonly [number, RawText, number, number];

interface Head {
  readonly version: number;
  readonly info: LayerInfo;
}

interface Body {
  readonly inodes: readonly InodeRow[];
  readonly nodes: readonly NodeRow[];
}

export function encodeIndex(info: LayerInfo, tree: LayerTree): string {
  const inodes: InodeRow[] = [];
  const rows = new Map<Inode, number>();
  const inodeRow = (inode: Inode): number => {
    const known = rows.get(inode);
    if (known !== undefined) return known;
    rows.set(inode, inodes.length);
    return inodes.push(rowOf(inode)) - 1;
  };
  const flags = (directory: Directory) => (directory.opaque ? OPAQUE : 0) | (directory.implied ? IMPLIED : 0);
  const nodes: NodeRow[] = [[0, "", inodeRow(tree.root.inode), flags(tree.root)]];
  const todo: [Directory, number][] = [[tree.root, 0]];
  for (let item = todo.pop(); item !== undefined; item = todo.pop()) {
    const [directory, parent] = item;
    for (const [name, node] of directory.children) {
      if (node.kind === "whiteout") nodes.push([parent, name, WHITEOUT, 0]);
      else if (node.kind === "leaf") nodes.push([parent, name, inodeRow(node.inode), 0]);
      else todo.push([node, nodes.push([parent, name, inodeRow(node.inode), flags(node)]) - 1]);
    }
  }
  const head: Head = { version: VERSION, info };
  const body: Body = { inodes, nodes };
  return `${JSON.stringify(head)}\n${JSON.stringify(body)}\n`;
}

/** The first line is shorter than this. */
export const HEAD_SIZE = 1024;

/** What the first line says; `text` may end anywhere after it. @throws HoyError "internal" as decodeIndex. */
export function decodeInfo(text: string): LayerInfo {
  const end = text.indexOf("\n");
  const head: Head | undefined = end < 0 ? undefined : parse(text.slice(0, end));
  if (head?.version !== VERSION || typeof head.info?.diffId !== "string") throw damaged();
  return head.info;
}

/** @throws HoyError "internal" when it is not an index of this version: make it again. */
export function decodeIndex(text: string): { info: LayerInfo; tree: LayerTree } {
  const info = decodeInfo(text);
  const body: Body | undefined = parse(text.slice(text.indexOf("\n") + 1));
  if (!Array.isArray(body?.inodes) || !Array.isArray(body.nodes)) throw damaged();
  const inodes = body.inodes.map(inodeOf);
  const directories = new Map<number, Directory>();
  const root = impliedDirectory();
  for (const [row, [parent, name, inodeRow, flags]] of body.nodes.entries()) {
    const inode = inodes[inodeRow];
    const children = directories.get(parent)?.children;
    if (inodeRow === WHITEOUT) children?.set(name, { kind: "whiteout" });
    else if (inode === undefined) throw damaged();
    else if (inode.type !== "dir") children?.set(name, { kind: "leaf", inode });
    else {
      const directory = row === 0 ? root : impliedDirectory();
      directory.inode = inode;
      directory.opaque = (flags & OPAQUE) !== 0;
      directory.implied = (flags & IMPLIED) !== 0;
      directories.set(row, directory);
      if (row !== 0) children?.set(name, directory);
    }
  }
  return { info, tree: { root, entries: info.entries, size: info.size } };
}

function parse<T>(text: string): T {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): HoyError {
  return new HoyError("internal", "the index of a layer is damaged or of another version", { cause });
}

function rowOf(inode: Inode): InodeRow {
  const nanoseconds = ((inode.mtime % BILLION) + BILLION) % BILLION;
  return [
    TYPES.indexOf(inode.type),
    inode.mode,
    inode.uid,
    inode.gid,
    Number((inode.mtime - nanoseconds) / BILLION),
    Number(nanoseconds),
    [...inode.xattrs].map(([name, value]) => [name, Buffer.from(value).toString("latin1")] as const),
    inode.target,
    inode.device.major,
    inode.device.minor,
    inode.size,
    inode.offset,
    inode.sparse?.flatMap(({ offset, length }) => [offset, length]) ?? null,
  ];
}

function inodeOf(row: InodeRow): Inode {
  const [typeIndex, mode, uid, gid, seconds, nanoseconds, xattrs, target, major, minor, size, offset, sparse] = row;
  const type = TYPES[typeIndex];
  if (type === undefined) throw damaged();
  return {
    type,
    mode,
    uid,
    gid,
    mtime: BigInt(seconds) * BILLION + BigInt(nanoseconds),
    xattrs: new Map(xattrs.map(([name, value]) => [name, Buffer.from(value, "latin1")])),
    target,
    device: { major, minor },
    size,
    offset,
    sparse: sparse === null ? undefined : segmentsOf(sparse),
  };
}

function segmentsOf(numbers: readonly number[]): SparseSegment[] {
  const segments: SparseSegment[] = [];
  for (let i = 0; i < numbers.length; i += 2) segments.push({ offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 });
  return segments;
}
