// What upstream says refers to a manifest: signatures, SBOMs. Asked of the end-point for it, else of the tag that registries
// without one are given instead (distribution spec, "Referrers Tag Schema"). Only the list: a referrer itself is fetched
// like any manifest when somebody wants it.

import * as v from "valibot";
import { HoyError } from "../../../base/error.ts";
import { optional, readJson } from "../../../image/json.ts";
import { listPages } from "../../client/listing.ts";
import type { Repository } from "../../client/repository.ts";
import { type AnyDigest, parseAnyDigest } from "../names.ts";
import type { Referrer } from "../storage.ts";

/** More is no list that anybody reads; each page is bounded by the client. */
const LIMIT = 10_000;
const PAGES = 50;

const schema = v.looseObject({
  manifests: optional(
    v.array(
      v.looseObject({
        mediaType: v.pipe(v.string(), v.maxLength(255)),
        digest: v.pipe(
          v.string(),
          v.check((text) => parseAnyDigest(text) !== undefined, "not a sha256 or sha512 digest"),
        ),
        size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
        artifactType: optional(v.pipe(v.string(), v.maxLength(255))),
        annotations: optional(v.record(v.string(), v.string())),
      }),
    ),
  ),
});

/** By digest. @throws HoyError "unavailable", or "invalid" for an answer that is no list */
export async function remoteReferrers(remote: Repository, digest: AnyDigest, signal: AbortSignal): Promise<Referrer[]> {
  const found = new Map<string, Referrer>();
  for (const document of await documents(remote, digest, signal)) {
    for (const { mediaType, digest: text, size, artifactType, annotations } of read(document)) {
      found.set(text, {
        mediaType,
        digest: text,
        size,
        ...(artifactType === undefined ? {} : { artifactType }),
        ...(annotations === undefined ? {} : { annotations }),
      });
      if (found.size > LIMIT) throw new HoyError("too-large", `more than ${LIMIT} referrers of ${digest.text}`);
    }
  }
  return [...found.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

async function documents(remote: Repository, digest: AnyDigest, signal: AbortSignal): Promise<Uint8Array[]> {
  const pages: Uint8Array[] = [];
  try {
    for await (const page of listPages(remote, `referrers/${digest.text}`, signal)) {
      if (pages.push(page) > PAGES) throw new HoyError("too-large", `more than ${PAGES} pages of referrers`);
    }
    return pages;
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  try {
    return [(await remote.manifest(`${digest.algorithm}-${digest.hex}`.slice(0, 128), signal)).bytes];
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function read(document: Uint8Array) {
  return readJson(schema, document, "list of referrers").manifests ?? [];
}

function isAbsent(error: unknown): boolean {
  return error instanceof HoyError && error.code === "not-found";
}
