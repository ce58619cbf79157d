// Blobs: HEAD, GET (whole or a range), DELETE (spec.md#pulling-blobs, #deleting-blobs). A blob never changes, so its
// digest is its ETag and caches may keep it.

import { type Call, empty, notAllowed } from "../call.ts";
import { RegistryError } from "../errors.ts";
import { requireDigest } from "../names.ts";
import { parseRange } from "../range.ts";
import { sendBody } from "../send-body.ts";
import { sendFile } from "../send-file.ts";

export async function blob(call: Call, name: string, reference: string): Promise<void> {
  const digest = requireDigest(reference);
  if (call.method === "DELETE") {
    if (!(await call.storage.deleteBlob(name, digest))) throw unknown(reference);
    return empty(call, 202);
  }
  if (call.method !== "GET" && call.method !== "HEAD") throw notAllowed();
  const info = await call.storage.blob(name, digest);
  if (info === undefined) throw unknown(reference);
  const { request, response } = call;
  const etag = `"${info.digest}"`;
  const fixed = {
    "Docker-Content-Digest": info.digest,
    ETag: etag,
    "Cache-Control": "private, max-age=31536000, immutable",
    "Accept-Ranges": "bytes",
  };
  if (matches(request.headers["if-none-match"], etag)) {
    response.writeHead(304, fixed);
    response.end();
    return;
  }
  const url = call.method === "GET" ? await call.storage.blobUrl(name, digest) : undefined;
  if (url !== undefined) return empty(call, 307, { Location: url, "Docker-Content-Digest": info.digest });
  const conditional = request.headers["if-range"];
  const useRange = call.method === "GET" && (conditional === undefined || conditional === etag);
  const range = useRange ? parseRange(request.headers.range, info.size) : undefined;
  if (range === "unsatisfiable")
    throw new RegistryError(416, "SIZE_INVALID", "the range is outside the blob", {
      headers: { "Content-Range": `bytes */${info.size}` },
    });
  const { start, end } = range ?? { start: 0, end: info.size };
  await using file = call.method === "GET" ? await call.storage.blobFile(name, digest) : undefined;
  response.writeHead(range === undefined ? 200 : 206, {
    ...fixed,
    "Content-Type": "application/octet-stream",
    "Content-Length": end - start,
    ...(range === undefined ? {} : { "Content-Range": `bytes ${start}-${end - 1}/${info.size}` }),
  });
  if (call.method === "HEAD") {
    response.end();
    return;
  }
  const { metrics } = call;
  const onSent = (sent: number) => metrics.add("sent_bytes_total", sent);
  if (file !== undefined) await sendFile(response, file, { start, end }, onSent);
  else await sendBody(response, await call.storage.readBlob(name, digest, { start, end }), onSent);
}

/** If-None-Match (RFC 9110, 13.1.2). */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === etag);
}

function unknown(digest: string): RegistryError {
  return new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry", { detail: { digest } });
}
