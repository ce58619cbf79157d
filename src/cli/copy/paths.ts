// The rules of `cp` about names: which argument is a container's, what a trailing "/" or "/." means, and under which
// name the source arrives. They are those of docker's client and of cp(1) -r (moby go-archive, copy.go).

import { posix } from "node:path";
import { ExitError } from "../base/errors.ts";

/** "CONTAINER:PATH", or a path here: one with ":" must begin with "/" or ".". */
export function splitCopyArgument(text: string): { readonly container: string | undefined; readonly path: string } {
  const colon = text.indexOf(":");
  if (text.startsWith("/") || text.startsWith(".") || colon < 0) return { container: undefined, path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** An end or a beginning of a copy. */
export interface CopyEnd {
  readonly path: string;
  readonly exists: boolean;
  readonly directory: boolean;
}

export interface CopySource extends CopyEnd {
  /** The name it was asked for by, where following a link changed it. */
  readonly renamed: string | undefined;
}

const hasSlash = (path: string) => path.endsWith("/");
const isDot = (path: string) => posix.basename(path) === ".";

/** Whether the path says of itself that it is a directory. */
export const assertsDirectory = (path: string) => hasSlash(path) || isDot(path);

/** Directory and last name; a last "." stays the name, so that what is copied is what the directory holds. */
export function splitEntry(path: string): readonly [directory: string, base: string] {
  const clean = cleanPath(path);
  const whole = isDot(path) ? `${posix.join(clean, "/")}.` : clean;
  const slash = whole.lastIndexOf("/");
  if (slash < 0) return [".", whole];
  return [slash === 0 ? "/" : whole.slice(0, slash), whole.slice(slash + 1) || "/"];
}

export function cleanPath(path: string): string {
  const normal = posix.normalize(path === "" ? "." : path);
  return normal.length > 1 ? normal.replace(/\/+$/, "") : normal;
}

/** Puts back the end that cleaning a path takes away. */
export function keepEnd(clean: string, original: string): string {
  if (isDot(original) && !isDot(clean)) return `${clean.replace(/\/$/, "")}/.`;
  return hasSlash(original) && !hasSlash(clean) ? `${clean}/` : clean;
}

/** Where a link led, with the end of the asked path, and the asked name if it differs. */
export function followed(
  asked: string,
  target: string,
): { readonly path: string; readonly renamed: string | undefined } {
  const path = keepEnd(target, asked);
  const [, name] = splitEntry(asked.replace(/\/+$/, "") || "/");
  return { path, renamed: posix.basename(asked) === posix.basename(path) ? undefined : name };
}

export interface Plan {
  /** Directory that the archive is unpacked in. */
  readonly directory: string;
  /** Names in the archive, changed where the destination's name is another. */
  rename(name: string): string;
}

/** @throws ExitError when the two can't go together. */
export function planCopy(source: CopySource, destination: CopyEnd): Plan {
  const [directory, name] = splitEntry(destination.path);
  const [, base] = splitEntry(source.path);
  if (destination.exists && destination.directory) return { directory: destination.path, rename: (entry) => entry };
  if (destination.exists && source.directory) throw new ExitError(1, "cannot copy directory");
  if (!destination.exists && !source.directory && assertsDirectory(destination.path))
    throw new ExitError(1, "no such directory");
  return { directory, rename: renamer(source.renamed ?? base, name) };
}

/** Replaces `from` where it is the first part of a name. */
export function renamer(from: string, to: string): (name: string) => string {
  const old = from.replace(/\/+$/, "");
  const fresh = to.replace(/\/+$/, "");
  return (name) => {
    // What "dir/." holds is named with "./" before it or without.
    if (old === ".") return posix.join(fresh, name);
    if (old === "") return `${fresh}/${name.replace(/^\/+/, "")}`;
    if (name !== old && !name.startsWith(`${old}/`)) return name;
    return fresh + name.slice(old.length);
  };
}
