// Uploads: POST begins one, mounts, or takes the blob whole; PATCH adds; PUT ends; GET tells how far it is; DELETE gives
// up (spec.md#pushing-blobs). A connection that breaks costs nothing: GET says where to go on.

import { HANDOVER_HEADER } from "../../handover.ts";
import { body, type Call, empty, notAllowed } from "../call.ts";
import { RegistryError } from "../errors.ts";
import { isRepositoryName, parseAnyDigest, requireDigest } from "../names.ts";
import type { Upload } from "../storage.ts";

export async function startUpload(call: Call, name: string): Promise<void> {
  if (call.method !== "POST") throw notAllowed();
  if ((await mounted(call, name)) || (await handedOver(call, name))) return;
  const digest = call.query.get("digest");
  const whole = digest === null ? undefined : requireDigest(digest);
  const upload = await call.storage.startUpload(name);
  if (whole === undefined) return accepted(call, name, upload);
  try {
    await call.storage.append(name, upload.id, received(call), undefined);
    await call.storage.finishUpload(name, upload.id, whole);
  } catch (error) {
    // Nobody was told its name, so nobody can go on with it.
    await call.storage.cancelUpload(name, upload.id).catch(() => undefined);
    throw error;
  }
  created(call, name, whole.text);
}

export async function upload(call: Call, name: string, id: string): Promise<void> {
  const { storage } = call;
  if (!/^[0-9a-f]{64}$/.test(id))
    throw new RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  switch (call.method) {
    case "GET": {
      const { size } = await storage.upload(name, id);
      return empty(call, 204, place(name, { id, size }));
    }
    case "PATCH":
      return accepted(call, name, await storage.append(name, id, received(call), startOf(call)));
    case "PUT": {
      const digest = requireDigest(call.query.get("digest") ?? "");
      await storage.append(name, id, received(call), startOf(call));
      await storage.finishUpload(name, id, digest);
      return created(call, name, digest.text);
    }
    case "DELETE":
      await storage.cancelUpload(name, id);
      return empty(call, 204);
    default:
      throw notAllowed();
  }
}

/**
 * `?mount=DIGEST&from=NAME`: nothing is sent when the caller may read it there. Without `from` a blob is looked for
 * nowhere: that would tell what others' repositories hold.
 */
async function mounted(call: Call, name: string): Promise<boolean> {
  const digest = parseAnyDigest(call.query.get("mount") ?? "");
  const from = call.query.get("from") ?? name;
  if (digest === undefined || !isRepositoryName(from)) return false;
  if (!(await call.access.allows(call.request, { kind: "repository", name: from, action: "pull" }))) return false;
  if (!(await call.storage.mount(name, digest, from))) return false;
  created(call, name, digest.text);
  return true;
}

/** The engine on this host has the blob, and the caller has shown that it can read it. */
async function handedOver(call: Call, name: string): Promise<boolean> {
  const header = call.request.headers[HANDOVER_HEADER.toLowerCase()];
  const proven = typeof header === "string" ? call.handover?.proven(name, header) : undefined;
  if (proven === undefined || !(await call.storage.adopt(name, proven.digest, proven.path))) return false;
  created(call, name, proven.digest.text);
  return true;
}

async function* received({ request, metrics }: Call): AsyncGenerator<Uint8Array> {
  for await (const chunk of body(request)) {
    metrics.add("received_bytes_total", chunk.length);
    yield chunk;
  }
}

/** First byte of `Content-Range: <start>-<end>`, checked against the length. */
function startOf({ request }: Call): number | undefined {
  const header = request.headers["content-range"];
  if (header === undefined) return undefined;
  const [, first, last] = /^(?:bytes[= ])?(\d{1,15})-(\d{1,15})(?:\/.*)?$/.exec(header) ?? [];
  const start = Number(first);
  const length = request.headers["content-length"];
  const wrong = length !== undefined && Number(last) - start + 1 !== Number(length);
  if (first === undefined || Number(last) < start || wrong)
    throw new RegistryError(416, "BLOB_UPLOAD_INVALID", "Content-Range does not fit the body");
  return start;
}

function place(name: string, { id, size }: Upload) {
  // An empty upload has no last byte; clients expect 0-0 all the same.
  return {
    Location: `/v2/${name}/blobs/uploads/${id}`,
    Range: `0-${Math.max(0, size - 1)}`,
    "Docker-Upload-UUID": id,
  };
}

function accepted(call: Call, name: string, upload: Upload): void {
  empty(call, 202, place(name, upload));
}

function created(call: Call, name: string, digest: string): void {
  empty(call, 201, { Location: `/v2/${name}/blobs/${digest}`, "Docker-Content-Digest": digest });
}
