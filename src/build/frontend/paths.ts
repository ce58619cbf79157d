// Paths inside a build's trees, joined the way BuildKit does (util/system/path.go): an absolute one stays as written.

import { posix } from "node:path";

/** Go's path.Join: clean, and no slash at the end. */
export function join(...parts: readonly string[]): string {
  const joined = posix.join(...parts);
  return joined.length > 1 && joined.endsWith("/") ? joined.slice(0, -1) : joined;
}

/** `path` from `parent`; a slash or "/." at the end is kept when asked for, as COPY's target needs it. */
export function resolve(parent: string, path: string, keepSlash: boolean): string {
  const from = parent.startsWith("/") ? parent : join("/", parent);
  let resolved = path === "" ? from : path;
  if (!resolved.startsWith("/")) resolved = join(from, resolved);
  if (!keepSlash) return resolved;
  if (path.endsWith("/")) return resolved.endsWith("/") ? resolved : `${resolved}/`;
  if (path.endsWith("/.") && !resolved.endsWith("/.")) return resolved === "/" ? "/." : `${resolved}/.`;
  return resolved;
}

/** From the root of the tree: what a path in a context or a stage is. */
export function rooted(path: string): string {
  return join("/", path);
}
