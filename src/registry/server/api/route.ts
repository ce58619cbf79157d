// Paths of the registry's own API, /api/v1/…, to what they name. A repository's name may hold slashes, so what belongs to
// it follows "/-/", which no name can hold.

import { RegistryError } from "../errors.ts";
import { isRepositoryName } from "../names.ts";

export type ApiRoute =
  | { readonly kind: "session" | "repositories" | "rules" }
  | { readonly kind: "members" | "robots"; readonly owner: string; readonly which: string | undefined }
  | { readonly kind: "rule"; readonly rule: "immutable" | "retention"; readonly id: string | undefined }
  | { readonly kind: "repository" | "tags"; readonly name: string }
  | { readonly kind: "tag" | "manifest"; readonly name: string; readonly reference: string };

const PREFIX = "/api/v1/";
const PATH_LIMIT = 1024;

/** undefined: there is no such end-point. @throws RegistryError NAME_INVALID */
export function parseApiRoute(pathname: string): ApiRoute | undefined {
  if (pathname.length > PATH_LIMIT || !pathname.startsWith(PREFIX)) return undefined;
  const path = decode(pathname.slice(PREFIX.length));
  if (path === "session" || path === "repositories" || path === "rules") return { kind: path };
  const [, owner, what, which] = /^owners\/([^/]{1,64})\/(members|robots)(?:\/([^/]{1,64}))?$/.exec(path) ?? [];
  if (owner !== undefined) return { kind: what === "members" ? "members" : "robots", owner, which };
  const [, rule, id] = /^rules\/(immutable|retention)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (rule !== undefined) return { kind: "rule", rule: rule === "immutable" ? "immutable" : "retention", id };
  const [, name, rest] = /^repositories\/((?:(?!\/-(?:\/|$)).)+)(?:\/-\/(.+))?$/.exec(path) ?? [];
  if (name === undefined) return undefined;
  if (!isRepositoryName(name)) throw new RegistryError(400, "NAME_INVALID", "invalid repository name");
  if (rest === undefined) return { kind: "repository", name };
  if (rest === "tags") return { kind: "tags", name };
  const [, word, reference] = /^(tags|manifests)\/([^/]+)$/.exec(rest) ?? [];
  if (reference === undefined) return undefined;
  return { kind: word === "tags" ? "tag" : "manifest", name, reference };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new RegistryError(400, "NAME_INVALID", "the path is not valid percent-encoding", { cause });
  }
}
