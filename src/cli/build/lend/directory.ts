// A directory of the client as the engine sees it: listed in a walk's order, less what patterns leave out. Sockets and
// names that are not UTF-8 can't be sent; the latter are an error, as a build without them would be another build.

import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { Matcher, type ParentMatches } from "../../../image/ignore/matcher.ts";

/** Paths from the directory, with slashes, none at their ends. */
export interface Selection {
  /** Patterns; none: everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Only these and what is below them; none: everything. Links on the way are followed. */
  readonly follow: readonly string[];
}

export interface Listed {
  readonly path: string;
  readonly stat: BigIntStats;
  /** Target of a symlink, or the earlier name of the same file; "". */
  readonly linkname: string;
}

export function* listDirectory(root: string, { include, exclude, follow }: Selection): Generator<Listed> {
  const wanted = follow.length === 0 ? undefined : followed(root, follow);
  const ignores = new Matcher(exclude);
  const includes = include.length === 0 ? undefined : new Matcher(include);
  /** First name of each file that has several. */
  const links = new Map<string, string>();

  function* entries(directory: string, parent: ParentMatches | undefined, above: Place): Generator<Listed> {
    for (const name of namesIn(join(root, directory))) {
      const path = directory === "" ? name : `${directory}/${name}`;
      const how = wanted === undefined || above === "all" ? "all" : placeIn(wanted, path);
      if (how === "outside") continue;
      const { ignored, matches } = ignores.patterns.length === 0 ? NOT_IGNORED : ignores.step(path, parent);
      const stat = statOf(root, path);
      if (stat === undefined) continue;
      const isDirectory = stat.isDirectory();
      if (ignored && !(isDirectory && ignores.mayHoldExceptions(path))) continue;
      const isOwn = !ignored && how === "all" && (includes === undefined || includes.ignores(path));
      if (!isDirectory) {
        if (isOwn && !stat.isSocket()) yield { path, stat, linkname: linkOf(root, path, stat, links) };
        continue;
      }
      const below = entries(path, matches, how);
      if (isOwn) {
        yield { path, stat, linkname: "" };
        yield* below;
        continue;
      }
      // Only there for what it holds.
      const first = below.next();
      if (first.done === true) continue;
      yield { path, stat, linkname: "" };
      yield first.value;
      yield* below;
    }
  }
  yield* entries("", undefined, "above");
}

const NOT_IGNORED: ReturnType<Matcher["step"]> = { ignored: false, matches: [] };

/** In the order of their bytes, which is what the other side checks for. */
function namesIn(directory: string): string[] {
  const names = readdirSync(directory);
  for (const name of names) {
    if (!name.includes("\uFFFD")) continue;
    throw new HoyError("invalid", `a name in ${directory} is not UTF-8: ${JSON.stringify(name)}`);
  }
  const plain = names.every((name) => /^[\x20-\x7e]*$/.test(name));
  return plain ? names.sort() : names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** undefined: it went while we looked. */
function statOf(root: string, path: string): BigIntStats | undefined {
  return lstatSync(`${root}/${path}`, { bigint: true, throwIfNoEntry: false });
}

function linkOf(root: string, path: string, stat: BigIntStats, links: Map<string, string>): string {
  if (stat.isSymbolicLink()) return readlinkSync(join(root, path));
  if (!stat.isFile() || stat.nlink < 2n) return "";
  const inode = `${stat.dev}:${stat.ino}`;
  const first = links.get(inode);
  if (first === undefined) links.set(inode, path);
  return first ?? "";
}

/** "above": on the way to something wanted. */
type Place = "all" | "above" | "outside";

function placeIn(wanted: ReadonlySet<string>, path: string): Place {
  if (wanted.has("")) return "all";
  for (let above = path; ; above = above.slice(0, above.lastIndexOf("/"))) {
    if (wanted.has(above)) return "all";
    if (!above.includes("/")) break;
  }
  for (const each of wanted) if (each.startsWith(`${path}/`)) return "above";
  return "outside";
}

const MAX_LINKS = 255;

/** The paths with wildcards resolved, and all that their links lead to inside of the directory. */
function followed(root: string, paths: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = paths.map((path) => ({ parts: partsOf(path), at: "", hops: 0 }));
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { parts, at, hops } = one;
    const [part, ...rest] = parts;
    if (part === undefined) {
      found.add(at);
      continue;
    }
    for (const name of /[*?[\\]/.test(part) ? matching(join(root, at), part) : [part]) {
      const path = at === "" ? name : `${at}/${name}`;
      const stat = statOf(root, path);
      if (stat === undefined) continue;
      if (!stat.isSymbolicLink()) {
        if (rest.length === 0 || stat.isDirectory()) open.push({ parts: rest, at: path, hops });
        continue;
      }
      found.add(path);
      if (hops >= MAX_LINKS) continue;
      const target = readlinkSync(join(root, path));
      const base = target.startsWith("/") ? [] : partsOf(at);
      open.push({ parts: [...partsOf([...base, target].join("/")), ...rest], at: "", hops: hops + 1 });
    }
  }
  return found;
}

/** Without "." and with ".." taken off what is before it; what leads out ends at the root, as in a chroot. */
function partsOf(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

function matching(directory: string, pattern: string): string[] {
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return [];
  const matcher = new Matcher([pattern]);
  return namesIn(directory).filter((name) => matcher.ignores(name));
}
