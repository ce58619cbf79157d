// Manifests: HEAD, GET, PUT, DELETE by tag and by digest (spec.md#pulling-manifests, #pushing-manifests). Kept and given
// back byte for byte, under the type they came with.

import { bytes, type Call, empty, notAllowed, readBody, tell } from "../call.ts";
import { RegistryError } from "../errors.ts";
import { MANIFEST_LIMIT, readManifest } from "../manifest.ts";
import { isTag, parseAnyDigest } from "../names.ts";
import { matches } from "./blobs.ts";

/** Tags that one PUT by digest may set with `?tag=`. */
const TAGS_LIMIT = 64;

export async function manifest(call: Call, name: string, reference: string): Promise<void> {
  const isDigest = reference.includes(":");
  if (isDigest && parseAnyDigest(reference) === undefined)
    throw new RegistryError(400, "DIGEST_INVALID", "provided digest is not sha256 or sha512");
  if (!isDigest && !isTag(reference)) {
    // Nothing can be there under a name that can't be; writing to it is the caller's mistake.
    if (call.method !== "PUT") throw unknown(reference);
    throw new RegistryError(400, "MANIFEST_INVALID", "invalid tag name");
  }
  switch (call.method) {
    case "GET":
    case "HEAD":
      return get(call, name, reference);
    case "PUT":
      return put(call, name, reference);
    case "DELETE":
      if (!(await call.storage.deleteManifest(name, reference))) throw unknown(reference);
      tellRemoval(call, name, reference);
      return empty(call, 202);
    default:
      throw notAllowed();
  }
}

/** Of a tag alone, or of a manifest. */
export function tellRemoval(call: Call, repository: string, reference: string): void {
  const [digest, tag] = reference.includes(":") ? [reference, undefined] : [undefined, reference];
  tell(call, { action: "delete", repository, digest, mediaType: undefined, size: undefined, tag });
}

async function get(call: Call, name: string, reference: string): Promise<void> {
  const found = await call.storage.manifest(name, reference);
  if (found === undefined) throw unknown(reference);
  const etag = `"${found.digest}"`;
  const headers = { "Docker-Content-Digest": found.digest, ETag: etag };
  if (matches(call.request.headers["if-none-match"], etag)) {
    call.response.writeHead(304, headers);
    call.response.end();
    return;
  }
  if (call.method === "GET")
    tell(call, { ...found, action: "pull", repository: name, tag: reference.includes(":") ? undefined : reference });
  bytes(call, 200, found.bytes, { ...headers, "Content-Type": found.mediaType });
}

async function put(call: Call, name: string, reference: string): Promise<void> {
  const tooLarge = () =>
    new RegistryError(413, "MANIFEST_INVALID", `a manifest has ${MANIFEST_LIMIT} bytes at most`, {
      headers: { Connection: "close" },
    });
  const data = await readBody(call, MANIFEST_LIMIT, tooLarge);
  const expected = parseAnyDigest(reference);
  const read = readManifest(data, call.request.headers["content-type"] ?? "", expected?.algorithm ?? "sha256");
  if (expected !== undefined && read.digest !== expected.text)
    throw new RegistryError(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
  const tags = expected === undefined ? [reference] : extraTags(call);
  await call.storage.putManifest(name, read, tags, call.who.user);
  const { digest, mediaType } = read;
  for (const tag of tags.length === 0 ? [undefined] : tags)
    tell(call, { action: "push", repository: name, digest, mediaType, size: data.length, tag });
  empty(call, 201, {
    Location: `/v2/${name}/manifests/${expected === undefined ? reference : read.digest}`,
    "Docker-Content-Digest": read.digest,
    ...(read.subject === undefined ? {} : { "OCI-Subject": read.subject }),
    ...(expected === undefined || tags.length === 0 ? {} : { "OCI-Tag": tags.join(", ") }),
  });
}

/** `?tag=a&tag=b` (spec.md, end-7b). */
function extraTags({ query }: Call): string[] {
  const tags = [...new Set(query.getAll("tag"))];
  if (tags.length > TAGS_LIMIT)
    throw new RegistryError(414, "MANIFEST_INVALID", `more than ${TAGS_LIMIT} tags in one request`);
  if (!tags.every(isTag)) throw new RegistryError(400, "MANIFEST_INVALID", "invalid tag name");
  return tags;
}

function unknown(reference: string): RegistryError {
  return new RegistryError(404, "MANIFEST_UNKNOWN", "manifest unknown", { detail: { reference } });
}
