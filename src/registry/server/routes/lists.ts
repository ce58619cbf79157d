// The lists: tags of a repository, referrers of a manifest, repositories (spec.md#content-discovery). In pages, with
// `Link` to the next; a page is what fits well under the 4 MiB that clients read.

import { mediaTypes } from "../../../image/media-types.ts";
import { bytes, type Call, json, nextLink, notAllowed, page } from "../call.ts";
import { RegistryError } from "../errors.ts";
import { requireDigest } from "../names.ts";

const TAGS_PAGE = 1000;
const REFERRERS_PAGE = 1000;
/** Annotations are their manifests' own and may be long; the answer must stay readable for clients. */
const REFERRERS_BYTES = 3 * 1024 * 1024;

export async function tags(call: Call, name: string): Promise<void> {
  if (call.method !== "GET") throw notAllowed();
  const { limit, after } = page(call.query, TAGS_PAGE);
  // One more than asked for says whether there is a next page.
  const found = await call.storage.tags(name, { limit: limit + 1, after });
  if (found === undefined) throw new RegistryError(404, "NAME_UNKNOWN", "repository name not known to registry");
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const more = found.length > shown.length && last !== undefined;
  json(call, 200, { name, tags: shown }, more ? nextLink(`/v2/${name}/tags/list`, { last, n: String(limit) }) : {});
}

export async function referrers(call: Call, name: string, reference: string): Promise<void> {
  if (call.method !== "GET") throw notAllowed();
  const digest = requireDigest(reference);
  const { limit, after } = page(call.query, REFERRERS_PAGE);
  const artifactType = call.query.get("artifactType") || undefined;
  const found = await call.storage.referrers(name, digest, artifactType, { limit: limit + 1, after });
  const shown: typeof found = [];
  for (let size = 0; shown.length < Math.min(limit, found.length); ) {
    const next = found[shown.length];
    if (next === undefined) break;
    size += JSON.stringify(next).length;
    if (size > REFERRERS_BYTES && shown.length > 0) break;
    shown.push(next);
  }
  const last = shown.at(-1)?.digest;
  const filter: Record<string, string> = artifactType === undefined ? {} : { artifactType };
  const body = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: shown };
  bytes(call, 200, Buffer.from(JSON.stringify(body)), {
    "Content-Type": mediaTypes.ociIndex,
    ...(artifactType === undefined ? {} : { "OCI-Filters-Applied": "artifactType" }),
    ...(found.length > shown.length && last !== undefined
      ? nextLink(`/v2/${name}/referrers/${digest.text}`, { ...filter, last, n: String(limit) })
      : {}),
  });
}

export async function catalog(call: Call): Promise<void> {
  if (call.method !== "GET") throw notAllowed();
  const { limit, after } = page(call.query, TAGS_PAGE);
  const found = await call.storage.repositories({ limit: limit + 1, after });
  const scanned = found.slice(0, limit);
  const last = scanned.at(-1);
  const repositories = await call.access.visible(call.request, scanned);
  const more = found.length > scanned.length && last !== undefined;
  json(call, 200, { repositories }, more ? nextLink("/v2/_catalog", { last, n: String(limit) }) : {});
}
