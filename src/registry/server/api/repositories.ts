// /api/v1/repositories and what is in them: lists, details, removal, public or private.

import * as v from "valibot";
import { EVERYBODY } from "../access/grants.ts";
import { type Call, empty, json, notAllowed, page, tell } from "../call.ts";
import { RegistryError } from "../errors.ts";
import { isTag, parseAnyDigest } from "../names.ts";
import type { Overview, RepositorySummary } from "../overview.ts";
import { tellRemoval } from "../routes/manifests.ts";
import { type Caller, type People, requireAction } from "./caller.ts";
import { imageOf } from "./image.ts";
import { readJsonBody } from "./session.ts";

export interface Desk {
  readonly overview: Overview;
  readonly people: People;
  readonly caller: Caller;
}

const PAGE = 100;
/** Names looked at in one request, most of which may be for other eyes. */
const SCANNED = 10_000;
const QUERY_LIMIT = 255;
const change = v.strictObject({ public: v.boolean() });

/** `?q=` part of the name, `n`, `last`. */
export function repositories(call: Call, { overview, people, caller }: Desk): void {
  if (call.method !== "GET") throw notAllowed();
  const { limit, after } = page(call.query, PAGE);
  const text = call.query.get("q") ?? "";
  if (text.length > QUERY_LIMIT) throw new RegistryError(400, "UNSUPPORTED", "q is too long");
  const found: unknown[] = [];
  let last = after;
  let more = true;
  for (let scanned = 0; more && found.length < limit && scanned < SCANNED; ) {
    const names = overview.names(text, { limit: PAGE, after: last });
    more = names.length === PAGE;
    for (const name of names) {
      scanned++;
      last = name;
      if (!caller.actions(name).includes("pull")) continue;
      const summary = overview.repository(name);
      if (summary !== undefined) found.push(shown(summary, people, caller));
      if (found.length < limit) continue;
      more ||= name !== names.at(-1);
      break;
    }
  }
  json(call, 200, { repositories: found, next: more && limit > 0 ? last : null });
}

export async function repository(call: Call, { overview, people, caller }: Desk, name: string): Promise<void> {
  switch (call.method) {
    case "GET": {
      requireAction(caller, name, "pull");
      return json(call, 200, shown(known(overview, name), people, caller));
    }
    case "PATCH": {
      requireAction(caller, name, "pull");
      if (people === undefined) throw new RegistryError(405, "UNSUPPORTED", "without users everything is public");
      if (!caller.manages(name.split("/", 1)[0] ?? "")) throw denied();
      const { public: open } = await readJsonBody(call, change, 1024);
      setPublic(people, name, open);
      return json(call, 200, shown(known(overview, name), people, caller));
    }
    case "DELETE":
      requireAction(caller, name, "delete");
      if (!(await call.storage.deleteRepository(name))) throw unknownRepository();
      tell(call, {
        action: "delete",
        repository: name,
        digest: undefined,
        mediaType: undefined,
        size: undefined,
        tag: undefined,
      });
      return empty(call, 204);
    default:
      throw notAllowed();
  }
}

/** `n`, `last`. */
export function tags(call: Call, { overview, caller }: Desk, name: string): void {
  if (call.method !== "GET") throw notAllowed();
  requireAction(caller, name, "pull");
  known(overview, name);
  const { limit, after } = page(call.query, PAGE);
  const found = overview.tags(name, { limit: limit + 1, after });
  const shownTags = found.slice(0, limit);
  const body = shownTags.map((each) => ({
    ...each,
    updatedAt: iso(each.updatedAt),
    updatedBy: each.updatedBy ?? null,
  }));
  json(call, 200, { tags: body, next: found.length > shownTags.length ? (shownTags.at(-1)?.name ?? null) : null });
}

/** A tag alone, or a manifest with its tags. */
export async function manifest(call: Call, desk: Desk, name: string, reference: string, by: "tag" | "digest") {
  const right = by === "tag" ? isTag(reference) : parseAnyDigest(reference) !== undefined || isTag(reference);
  if (!right) throw unknownManifest();
  if (call.method === "DELETE") {
    requireAction(desk.caller, name, "delete");
    // A manifest goes by its digest only: a tag in that place would take the tag alone.
    if (by === "digest" && !reference.includes(":")) throw unknownManifest();
    if (!(await call.storage.deleteManifest(name, reference))) throw unknownManifest();
    tellRemoval(call, name, reference);
    return empty(call, 204);
  }
  if (call.method !== "GET") throw notAllowed();
  requireAction(desk.caller, name, "pull");
  const found = desk.overview.manifest(name, reference);
  if (found === undefined) throw unknownManifest();
  const { bytes, ...summary } = found;
  json(call, 200, {
    ...summary,
    artifactType: found.artifactType ?? null,
    subject: found.subject ?? null,
    pushedAt: iso(found.pushedAt),
    pushedBy: found.pushedBy ?? null,
    size: bytes.length,
    ...(await imageOf(call.storage, name, bytes)),
  });
}

function setPublic({ accounts: { grants } }: NonNullable<People>, name: string, open: boolean): void {
  if (open) grants.grant(EVERYBODY, name, "read");
  else grants.revoke(EVERYBODY, name);
  if (!open && grants.isPublic(name))
    throw new RegistryError(409, "UNSUPPORTED", "the repository is still public by a grant on a wider pattern");
}

function shown(summary: RepositorySummary, people: People, caller: Caller) {
  return {
    ...summary,
    createdAt: iso(summary.createdAt),
    updatedAt: iso(summary.updatedAt),
    public: people === undefined || people.accounts.grants.isPublic(summary.name),
    actions: caller.actions(summary.name),
    manages: people !== undefined && caller.manages(summary.name.split("/", 1)[0] ?? ""),
  };
}

function known(overview: Overview, name: string): RepositorySummary {
  const found = overview.repository(name);
  if (found === undefined) throw unknownRepository();
  return found;
}

const iso = (time: number) => new Date(time).toISOString();

function denied(): RegistryError {
  return new RegistryError(403, "DENIED", "requested access to the resource is denied");
}

function unknownRepository(): RegistryError {
  return new RegistryError(404, "NAME_UNKNOWN", "repository name not known to registry");
}

function unknownManifest(): RegistryError {
  return new RegistryError(404, "MANIFEST_UNKNOWN", "manifest unknown");
}
