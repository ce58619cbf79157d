// From a path as a user typed it to a place in a container's tree. In a container that is down nothing is mounted: what
// lies in a volume or a bind mount is looked for in its source, as if that were a root of its own.

import { posix } from "node:path";
import { HoyError } from "../../base/error.ts";
import { AT, readlinkat } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2, openInRoot } from "../../linux/open.ts";
import { fdstat, S } from "../../linux/stat.ts";
import { isKernelView } from "../../linux/statfs.ts";
import { openSubpath } from "../containers/subpath.ts";
import type { ContainerSource } from "../images/contract.ts";
import type { OpenTree } from "./tree.ts";

/** As many as the kernel follows in one path (path_resolution(7)). */
const LINK_LIMIT = 40;

export interface Place extends Disposable {
  /** Descriptor of the directory that `path` is in: the container's root, or a mount's source. */
  readonly root: number;
  /** Absolute in that root; ends in "/" when the path asks for what a link leads to. */
  readonly path: string;
  /** The mount that it is in, as far as the engine knows. */
  readonly mount: ContainerSource["mounts"][number] | undefined;
}

/** What the user typed, made absolute. A "/" or "/." at its end means the directory, also through a link. */
export function absolutePath(typed: string): { readonly path: string; readonly isDirectory: boolean } {
  const path = posix.normalize(`/${typed}`);
  const isDirectory = /(?:^|\/)\.?$/.test(typed);
  return { path: path.length > 1 ? path.replace(/\/$/, "") : path, isDirectory };
}

/** @param follow Also when the last part is a link. */
export function locate(
  source: Pick<ContainerSource, "mounts">,
  tree: Pick<OpenTree, "root" | "running">,
  typed: string,
  follow: boolean,
): Place {
  const { path, isDirectory } = absolutePath(typed);
  const whole = follow || isDirectory;
  const real = followInRoot(tree.root, path, whole);
  const mount = mountOf(source, real) ?? mountOf(source, path);
  const end = whole ? "/" : "";
  if (tree.running) refuseKernelView(tree.root, real);
  if (tree.running || mount === undefined) {
    return { root: tree.root, path: path + end, mount, [Symbol.dispose]: () => undefined };
  }
  const covered = real === mount.destination || real.startsWith(`${mount.destination}/`) ? real : path;
  return { ...inMount(mount, covered.slice(mount.destination.length), end), mount };
}

/**
 * What is in proc or sysfs is no file of the container: to the engine, which is not in it, some of it shows other things
 * (/proc/self), and reading it can wait for ever or have effects. The directories that they are mounted on are there.
 * @throws HoyError "not-found", as if nothing were mounted.
 */
function refuseKernelView(root: number, real: string): void {
  for (let end = real.indexOf("/", 1); end > 0; end = real.indexOf("/", end + 1)) {
    using fd = new OwnedFd(openInRoot(root, real.slice(0, end), O.PATH | O.NOFOLLOW));
    if (isKernelView(fd.fd)) throw new HoyError("not-found", `${real} is the kernel's, not the container's`);
  }
}

/**
 * Where a path leads, as a path in the root without links; what is not there is taken as it is written. Only text: use
 * it to show or to compare, never to open.
 * @throws HoyError "invalid" when the links go round in a circle.
 */
export function followInRoot(root: number, path: string, last: boolean): string {
  const pending = path.split("/");
  let done: string[] = [];
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      done.pop();
      continue;
    }
    const target = last || pending.length > 0 ? linkAt(root, [...done, name].join("/")) : undefined;
    if (target === undefined) {
      done.push(name);
      continue;
    }
    if (++links > LINK_LIMIT) throw new HoyError("invalid", `too many levels of symbolic links: ${path}`);
    if (target.startsWith("/")) done = [];
    pending.unshift(...target.split("/"));
  }
  return `/${done.join("/")}`;
}

function linkAt(root: number, path: string): string | undefined {
  try {
    using fd = new OwnedFd(openInRoot(root, path, O.PATH | O.NOFOLLOW));
    if ((fdstat(fd.fd).mode & S.IFMT) !== S.IFLNK) return undefined;
    return readlinkat(fd.fd, "").toString("utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG")) return undefined;
    throw error;
  }
}

function mountOf(source: Pick<ContainerSource, "mounts">, path: string): ContainerSource["mounts"][number] | undefined {
  const above = source.mounts.filter(
    ({ destination }) => path === destination || path.startsWith(`${destination.replace(/\/$/, "")}/`),
  );
  return above.sort((a, b) => b.destination.length - a.destination.length)[0];
}

/** A source that is one file is looked at in the directory that it is in. */
function inMount(
  mount: ContainerSource["mounts"][number],
  rest: string,
  end: string,
): { root: number; path: string } & Disposable {
  using found = mount.subpath === "" ? undefined : openSubpath(mount);
  // A descriptor's name leads to what was found, whatever has taken its place since.
  const source = found === undefined ? mount.source : `/proc/self/fd/${found.fd}`;
  try {
    const root = new OwnedFd(openat2(AT.FDCWD, source, { flags: O.RDONLY | O.DIRECTORY }));
    return { root: root.fd, path: `${rest === "" ? "/" : rest}${end}`, [Symbol.dispose]: () => root[Symbol.dispose]() };
  } catch (error) {
    if (!isErrno(error, "ENOTDIR") || rest !== "") throw error;
  }
  if (found !== undefined) {
    throw new HoyError(
      "not-implemented",
      "copying a single file that is mounted from a volume needs a running container",
    );
  }
  const root = new OwnedFd(openat2(AT.FDCWD, posix.dirname(source), { flags: O.RDONLY | O.DIRECTORY }));
  return { root: root.fd, path: `/${posix.basename(source)}${end}`, [Symbol.dispose]: () => root[Symbol.dispose]() };
}
