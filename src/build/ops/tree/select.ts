// What a copy takes from its source tree: the files and directories that its pattern names, and what is in them. Links
// on the way are followed inside the tree only, by the kernel (openat2(2) RESOLVE_IN_ROOT).

import { posix } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { globMatch } from "../../../image/glob.ts";
import { Matcher } from "../../../image/ignore/matcher.ts";
import { readlinkat } from "../../../linux/at.ts";
import { readDirectory } from "../../../linux/directory.ts";
import { isErrno } from "../../../linux/libc.ts";
import { O, OwnedFd, openat2, openInRoot, RESOLVE } from "../../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../../linux/stat.ts";
import { type RawText, rawBytes, rawToText, textToRaw } from "../../../storage/tar/entry.ts";
import { walkTree } from "../../../storage/tree/walk.ts";
import type { FileChange } from "../../graph.ts";
import { type Attributes, attributesOf, NO_XATTRS } from "./attributes.ts";
import type { KnownFile, KnownTree } from "./known-tree.ts";
import { partsOf } from "./working-tree.ts";

export type CopyChange = Extract<FileChange, { type: "copy" }>;

/** Where a copy takes from. */
export interface CopySource {
  /** The tree's root where it is mounted; the first call may mount it. Stays the source's. */
  root(): Promise<OwnedFd>;
  /** The same tree where it is known; its tar only for who copies. */
  readonly known: { readonly tree: KnownTree; readonly tar: OwnedFd | undefined } | undefined;
}

/** One thing that a copy's source names: on a disk, or known. Descriptors are closed with the selection. */
export type Match = MatchNames &
  (
    | {
        /** O_PATH. */
        readonly top: OwnedFd;
        readonly known: undefined;
        readonly status: FileStatus;
      }
    | {
        readonly top: undefined;
        readonly known: KnownTree;
        /** Of the tree's layer, for who copies. */
        readonly tar: OwnedFd | undefined;
        /** undefined: the root. */
        readonly file: KnownFile | undefined;
        readonly status: NodeStatus;
      }
  );

interface MatchNames {
  /** Its last name, as it was written or found; "" for the root. */
  readonly name: RawText;
  /** Directories to make around it, outermost first (COPY --parents). */
  readonly parents: readonly RawText[];
  /** Where `parents` are in the source, for their attributes: the directory that holds the first of them. */
  readonly pivot: readonly RawText[];
}

/** A file of a match: `path` below it, "" for itself. */
export type Selected =
  | {
      readonly path: RawText;
      /** O_PATH; closed when the walk goes on. */
      readonly fd: number;
      readonly known: undefined;
      readonly status: FileStatus;
    }
  | {
      readonly path: RawText;
      readonly fd: undefined;
      /** undefined: the root. */
      readonly known: KnownFile | undefined;
      readonly status: NodeStatus;
    };

export type NodeStatus = Pick<FileStatus, "mode" | "size" | "mtime">;

const MAX_MATCHES = 100_000;
const WILDCARD = /[*?[\\]/;

/** The things that a copy's source names, sorted; closing the stack closes them. @throws HoyError "not-found". */
export async function findMatches(source: CopySource, change: CopyChange, stack: DisposableStack): Promise<Match[]> {
  const known = source.known && knownMatch(source.known.tree, source.known.tar, change);
  return known === undefined ? matchesOnDisk(await source.root(), change, stack) : [known];
}

/** undefined: it has to be looked for on the disk, where links, wildcards and archives are understood. */
function knownMatch(tree: KnownTree, tar: OwnedFd | undefined, change: CopyChange): Match | undefined {
  const parts = cleanParts(textToRaw(change.source));
  if (change.parents || (change.allowWildcard && parts.some((part) => WILDCARD.test(part)))) return undefined;
  for (let depth = 1; depth < parts.length; depth++) {
    if (tree.at(parts.slice(0, depth).join("/"))?.type !== "dir") return undefined;
  }
  const file = tree.at(parts.join("/"));
  if (parts.length > 0) {
    if (file === undefined || (file.type === "symlink" && change.followSymlink)) return undefined;
    if (file.type === "file" && change.unpack) return undefined;
  }
  const status = file === undefined ? KNOWN_ROOT : knownStatus(file);
  return { top: undefined, known: tree, tar, file, status, name: parts.at(-1) ?? "", parents: [], pivot: [] };
}

/** As a layer has it that does not name it. */
const KNOWN_ROOT: NodeStatus = { mode: S.IFDIR | 0o755, size: 0, mtime: 0n };
const KNOWN_TYPES = { file: S.IFREG, dir: S.IFDIR, symlink: S.IFLNK, fifo: S.IFIFO } as const;

function knownStatus({ type, mode, size, mtime }: KnownFile): NodeStatus {
  return { mode: KNOWN_TYPES[type] | mode, size, mtime };
}

/** What belongs to a file that was selected. */
export function attributesOfSelected(selected: Selected): Attributes {
  if (selected.fd !== undefined) return attributesOf(selected.fd, selected.status);
  const { mode, mtime } = selected.status;
  return { mode: mode & 0o7777, uid: 0, gid: 0, mtime, xattrs: NO_XATTRS };
}

/** Of a symlink. */
export function targetOfSelected(selected: Selected): RawText {
  if (selected.fd === undefined) return selected.known?.target ?? "";
  return readlinkat(selected.fd, "").toString("latin1");
}

function matchesOnDisk(root: OwnedFd, change: CopyChange, stack: DisposableStack): Match[] {
  const [pivot, rest] = splitPivot(change);
  const whole = [...pivot, ...rest];
  if (!change.allowWildcard || !rest.some((part) => WILDCARD.test(part))) {
    const one = openMatch(root, whole, pivot.length, change, stack);
    if (one === undefined) throw notFound(change.source);
    return [one];
  }
  const found: RawText[][] = [];
  const fixed = rest.findIndex((part) => WILDCARD.test(part));
  const base = [...pivot, ...rest.slice(0, fixed)];
  using directory = openAt(root, base, true);
  if (directory !== undefined) expand(directory, base, rest.slice(fixed), found);
  const matches = found.flatMap((path) => openMatch(root, path, pivot.length, change, stack) ?? []);
  if (matches.length === 0 && !change.allowEmptyWildcard) throw notFound(change.source);
  return matches;
}

/** Everything that a match brings: a file itself; of a directory what include and exclude let through, parents first. */
export function* walkMatch(match: Match, change: CopyChange): Generator<Selected, void, void> {
  const include = new Matcher(change.include);
  const exclude = new Matcher(change.exclude);
  if ((match.status.mode & S.IFMT) !== S.IFDIR) {
    const name = rawToText(match.name);
    const wanted = wants(include, name) && !exclude.ignores(name);
    if (wanted) yield itself(match);
    return;
  }
  yield itself(match);
  const all = match.known === undefined ? walkDisk(match.top) : walkKnown(match.known, match.file);
  if (include.patterns.length === 0 && exclude.patterns.length === 0) yield* all;
  else yield* filtered(all, match.top, include, exclude);
}

function itself(match: Match): Selected {
  if (match.known === undefined) return { path: "", fd: match.top.fd, known: undefined, status: match.status };
  return { path: "", fd: undefined, known: match.file, status: match.status };
}

function* walkDisk(top: OwnedFd): Generator<Selected, void, void> {
  for (const { path, fd, status } of walkTree(top.fd)) yield { path, fd, known: undefined, status };
}

function* walkKnown(tree: KnownTree, top: KnownFile | undefined): Generator<Selected, void, void> {
  const length = top === undefined ? 0 : top.path.length + 1;
  for (const file of tree.below(top?.path ?? "")) {
    yield { path: file.path.slice(length), fd: undefined, known: file, status: knownStatus(file) };
  }
}

/** Directories that only lead to what is wanted come when the first such thing does. */
function* filtered(
  all: Iterable<Selected>,
  top: OwnedFd | undefined,
  include: Matcher,
  exclude: Matcher,
): Generator<Selected, void, void> {
  const pending: Selected[] = [];
  let skipped: RawText | undefined;
  for (const selected of all) {
    const { path, status } = selected;
    if (skipped !== undefined && path.startsWith(skipped)) continue;
    while (pending.length > 0 && !path.startsWith(`${pending.at(-1)?.path}/`)) pending.pop();
    const text = rawToText(path);
    const isDirectory = (status.mode & S.IFMT) === S.IFDIR;
    const included = wants(include, text);
    if (included && !exclude.ignores(text)) {
      for (const above of pending.splice(0)) {
        if (above.fd === undefined || top === undefined) {
          yield above;
          continue;
        }
        // Its own descriptor was closed when the walk went on.
        using directory = openBelow(top, above.path);
        yield { ...above, fd: directory.fd };
      }
      yield selected;
    } else if (isDirectory) {
      if (included && !exclude.mayHoldExceptions(text)) skipped = `${path}/`;
      else pending.push(selected);
    }
  }
}

/** An empty list takes everything. */
function wants(include: Matcher, path: string): boolean {
  return include.patterns.length === 0 || include.ignores(path);
}

/** Source of a copy with parents: what stands before "/./" is left out of the parents that are made. */
function splitPivot({ source, parents }: CopyChange): [RawText[], RawText[]] {
  const raw = textToRaw(source);
  const pivot = parents ? raw.indexOf("/./") : -1;
  if (pivot < 0) return [[], cleanParts(raw)];
  return [cleanParts(raw.slice(0, pivot)), cleanParts(raw.slice(pivot))];
}

/** ".." at the top stays at the top. */
function cleanParts(path: RawText): RawText[] {
  return partsOf(posix.normalize(`/${path}`));
}

function openMatch(
  root: OwnedFd,
  path: readonly RawText[],
  pivot: number,
  change: CopyChange,
  stack: DisposableStack,
): Match | undefined {
  const top = openAt(root, path, change.followSymlink);
  if (top === undefined) return undefined;
  stack.use(top);
  return {
    top,
    known: undefined,
    status: fdstat(top.fd),
    name: path.at(-1) ?? "",
    parents: change.parents ? path.slice(pivot, -1) : [],
    pivot: path.slice(0, pivot),
  };
}

/** Links before the last name are always followed. */
export function openAt(root: OwnedFd, path: readonly RawText[], follow: boolean): OwnedFd | undefined {
  try {
    const name = path.length === 0 ? "." : rawBytes(path.join("/"));
    return new OwnedFd(openInRoot(root.fd, name, follow ? O.PATH : O.PATH | O.NOFOLLOW));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

export function openBelow(top: OwnedFd, path: RawText): OwnedFd {
  if (path === "") return new OwnedFd(openat2(top.fd, ".", { flags: O.PATH }));
  const resolve = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;
  return new OwnedFd(openat2(top.fd, rawBytes(path), { flags: O.PATH | O.NOFOLLOW, resolve }));
}

/** Names that match, part by part; links to directories are not gone into, as Go's filepath.Walk does not. */
function expand(directory: OwnedFd, at: RawText[], pattern: readonly RawText[], found: RawText[][]): void {
  const [part, ...rest] = pattern;
  if (part === undefined) return;
  if (part === "**" && rest.length > 0) expand(directory, at, rest, found);
  using readable = new OwnedFd(openat2(directory.fd, ".", { flags: O.RDONLY | O.DIRECTORY }));
  for (const { name } of readDirectory(readable.fd).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (part !== "**" && !globMatch(rawToText(part), rawToText(name))) continue;
    if (rest.length === 0 && part !== "**") {
      if (found.length >= MAX_MATCHES) throw new HoyError("too-large", `more than ${MAX_MATCHES} files match`);
      found.push([...at, name]);
      continue;
    }
    using child = openBelow(directory, name);
    if ((fdstat(child.fd).mode & S.IFMT) === S.IFDIR) {
      if (part === "**" && rest.length === 0) found.push([...at, name]);
      else expand(child, [...at, name], part === "**" ? pattern : rest, found);
    } else if (part === "**" && rest.length === 0) found.push([...at, name]);
  }
}

function notFound(source: string): HoyError {
  const path = posix.normalize(`/${source}`);
  return new HoyError("not-found", `failed to calculate checksum: ${JSON.stringify(path)}: not found`);
}
