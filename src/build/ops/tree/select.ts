// What a copy takes from its source tree: the files and directories that its pattern names, and what is in them. Links
// on the way are followed inside the tree only, by the kernel (openat2(2) RESOLVE_IN_ROOT).

import { posix } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { globMatch } from "../../../image/glob.ts";
import { Matcher } from "../../../image/ignore/matcher.ts";
import { readDirectory } from "../../../linux/directory.ts";
import { isErrno } from "../../../linux/libc.ts";
import { O, OwnedFd, openat2, openInRoot, RESOLVE } from "../../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../../linux/stat.ts";
import { type RawText, rawBytes, rawToText, textToRaw } from "../../../storage/tar/entry.ts";
import { walkTree } from "../../../storage/tree/walk.ts";
import type { FileChange } from "../../graph.ts";
import { partsOf } from "./working-tree.ts";

export type CopyChange = Extract<FileChange, { type: "copy" }>;

/** One thing that a copy's source names. The descriptor is closed with the selection. */
export interface Match {
  /** O_PATH. */
  readonly top: OwnedFd;
  readonly status: FileStatus;
  /** Its last name, as it was written or found; "" for the root. */
  readonly name: RawText;
  /** Directories to make around it, outermost first (COPY --parents). */
  readonly parents: readonly RawText[];
  /** Where `parents` are in the source, for their attributes: the directory that holds the first of them. */
  readonly pivot: readonly RawText[];
}

/** A file of a match: `path` below it, "" for itself. `fd` is O_PATH and closed when the walk goes on. */
export interface Selected {
  readonly path: RawText;
  readonly fd: number;
  readonly status: FileStatus;
}

const MAX_MATCHES = 100_000;
const WILDCARD = /[*?[\\]/;

/** The things that a copy's source names, sorted; closing the stack closes them. */
export function findMatches(root: OwnedFd, change: CopyChange, stack: DisposableStack): Match[] {
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
    if (wanted) yield { path: "", fd: match.top.fd, status: match.status };
    return;
  }
  yield { path: "", fd: match.top.fd, status: match.status };
  if (include.patterns.length === 0 && exclude.patterns.length === 0) {
    yield* walkTree(match.top.fd);
    return;
  }
  yield* filtered(match.top, include, exclude);
}

/** Directories that only lead to what is wanted come when the first such thing does. */
function* filtered(top: OwnedFd, include: Matcher, exclude: Matcher): Generator<Selected, void, void> {
  const pending: { readonly path: RawText; readonly status: FileStatus }[] = [];
  let skipped: RawText | undefined;
  for (const { path, fd, status } of walkTree(top.fd)) {
    if (skipped !== undefined && path.startsWith(skipped)) continue;
    while (pending.length > 0 && !path.startsWith(`${pending.at(-1)?.path}/`)) pending.pop();
    const text = rawToText(path);
    const isDirectory = (status.mode & S.IFMT) === S.IFDIR;
    const included = wants(include, text);
    if (included && !exclude.ignores(text)) {
      for (const above of pending.splice(0)) {
        using directory = openBelow(top, above.path);
        yield { path: above.path, fd: directory.fd, status: above.status };
      }
      yield { path, fd, status };
    } else if (isDirectory) {
      if (included && !exclude.mayHoldExceptions(text)) skipped = `${path}/`;
      else pending.push({ path, status });
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
