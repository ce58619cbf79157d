// Paths of the distribution spec to what they name (spec.md#endpoints). Names may hold slashes and words like "blobs";
// the last segments decide. Anything else is no end-point.

import { RegistryError } from "./errors.ts";
import { isRepositoryName } from "./names.ts";

export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "uploads" | "tags"; readonly name: string }
  | { readonly kind: "upload" | "blob" | "manifest" | "referrers"; readonly name: string; readonly reference: string };

const PATH_LIMIT = 1024;

/** @throws RegistryError NAME_INVALID. @returns undefined for a path that is none of the spec's. */
export function parseRoute(pathname: string): Route | undefined {
  if (pathname.length > PATH_LIMIT) return undefined;
  const path = decode(pathname);
  if (path === "/v2/" || path === "/v2") return { kind: "base" };
  if (path === "/v2/_catalog") return { kind: "catalog" };
  const [, uploads] = /^\/v2\/(.+)\/blobs\/uploads\/?$/.exec(path) ?? [];
  if (uploads !== undefined) return { kind: "uploads", name: checked(uploads) };
  const [, tags] = /^\/v2\/(.+)\/tags\/list$/.exec(path) ?? [];
  if (tags !== undefined) return { kind: "tags", name: checked(tags) };
  const [, name, word, reference] =
    /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|referrers)\/([^/]+)$/.exec(path) ?? [];
  if (name === undefined || reference === undefined) return undefined;
  const kind = KINDS.get(word ?? "");
  return kind === undefined ? undefined : { kind, name: checked(name), reference };
}

const KINDS = new Map([
  ["blobs/uploads", "upload"],
  ["blobs", "blob"],
  ["manifests", "manifest"],
  ["referrers", "referrers"],
] as const satisfies readonly (readonly [string, Route["kind"]])[]) as ReadonlyMap<
  string,
  "upload" | "blob" | "manifest" | "referrers"
>;

function checked(name: string): string {
  if (!isRepositoryName(name)) throw new RegistryError(400, "NAME_INVALID", "invalid repository name");
  return name;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new RegistryError(400, "NAME_INVALID", "the path is not encoded as UTF-8", { cause });
  }
}
