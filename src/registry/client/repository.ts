// A repository of a registry, end-points of the OCI distribution spec 1.1 as methods; which server is asked is places.ts's
// business, lists are in listing.ts. Every manifest is checked against its digest; blobs are streams whose digest the
// reader checks.

import type { FileHandle } from "node:fs/promises";
import { type Digest, isDigest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { boundedBytes } from "./bounded-bytes.ts";
import { refusal } from "./errors.ts";
import { filePart } from "./file-part.ts";
import { Places, type RepositoryOptions } from "./places.ts";
import type { Claim } from "./under-way.ts";

export interface FetchedManifest {
  readonly digest: Digest;
  /** What the registry calls it: any text. */
  readonly named: string | undefined;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

const MANIFEST_LIMIT = 4 * 1024 * 1024;
const ACCEPT = [mediaTypes.ociIndex, mediaTypes.ociManifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(
  ", ",
);
const SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1";

export class Repository {
  readonly name: string;
  /** Without the registry's name. */
  readonly path: string;
  /** The registry is on this host. */
  readonly local: boolean;
  readonly places: Places;

  constructor(options: RepositoryOptions) {
    this.name = `${options.domain}/${options.path}`;
    this.path = options.path;
    this.local = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(options.domain);
    this.places = new Places(options);
  }

  /** @param reference A tag or a digest. @throws "not-found" `manifest for X not found`, "invalid" for a wrong digest. */
  async manifest(reference: string, signal: AbortSignal): Promise<FetchedManifest> {
    const path = `/v2/${this.path}/manifests/${reference}`;
    const request = { method: "GET", path, headers: { Accept: ACCEPT }, signal } as const;
    const response = isDigest(reference)
      ? await this.places.readContent(request, reference)
      : await this.places.readNamed(request);
    if (!response.ok) throw await refusal(response, this.name);
    const mediaType = (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";
    if (mediaType.startsWith(SCHEMA_1)) {
      await response.body?.cancel();
      throw new HoyError("invalid", `${this.name}:${reference} is a schema 1 image, a form that was given up in 2019`, {
        hint: "pull it with an old Docker and push it again, or build it anew",
      });
    }
    const bytes = await boundedBytes(response, MANIFEST_LIMIT, "a manifest");
    const digest = sha256(bytes);
    const named = response.headers.get("docker-content-digest") ?? undefined;
    const expected = isDigest(reference) ? reference : named;
    if (expected?.startsWith("sha256:") && expected !== digest) {
      if (this.distrust(reference)) return this.manifest(reference, signal);
      throw new HoyError("invalid", `manifest verification failed for digest ${expected}: got ${digest}`);
    }
    return { digest, named, mediaType, bytes };
  }

  /** Digest and size of a manifest that is there; undefined when it is not. */
  async manifestHead(
    reference: string,
    signal: AbortSignal,
  ): Promise<{ digest: string; mediaType: string; size: number } | undefined> {
    const path = `/v2/${this.path}/manifests/${reference}`;
    const response = await this.places.read({ method: "HEAD", path, headers: { Accept: ACCEPT }, signal });
    if (response.status === 404) return undefined;
    if (!response.ok) throw await refusal(response, this.name);
    return {
      digest: response.headers.get("docker-content-digest") ?? "",
      mediaType: response.headers.get("content-type") ?? "",
      size: Number(response.headers.get("content-length") ?? 0),
    };
  }

  /**
   * The blob's bytes from `offset` on; the registry may refuse a range, then `offset` of the answer is 0.
   * @param digest Of any algorithm, checked by who reads. @param claim Of this engine, where peers are to know of it.
   */
  async blob(
    digest: string,
    offset: number,
    signal: AbortSignal,
    claim?: Claim,
  ): Promise<{ offset: number; body: ReadableStream<Uint8Array> }> {
    const headers = offset > 0 ? { Range: `bytes=${offset}-` } : undefined;
    const path = `/v2/${this.path}/blobs/${digest}`;
    const request = { method: "GET", path, signal, ...(headers === undefined ? {} : { headers }) } as const;
    const response = await this.places.readContent(request, digest, claim);
    if (!response.ok || response.body === null) throw await refusal(response, `${this.name}@${digest}`);
    const start = response.status === 206 ? rangeStart(response.headers.get("content-range"), offset) : 0;
    if (start > offset) {
      await response.body.cancel();
      throw new HoyError(
        "invalid",
        `the registry answers with another part of ${this.name}@${digest} than was asked for`,
      );
    }
    return { offset: start, body: response.body };
  }

  /** What came under this digest was not it. @returns whether it came from a peer, so that asking again makes sense. */
  distrust(digest: string): boolean {
    return this.places.distrust(digest);
  }

  async blobExists(digest: Digest, signal: AbortSignal): Promise<boolean> {
    const response = await this.places.write({ method: "HEAD", path: `/v2/${this.path}/blobs/${digest}`, signal });
    if (response.ok) return true;
    if (response.status === 404) return false;
    throw await refusal(response, this.name);
  }

  /**
   * Begins an upload, or mounts the blob from another repository of the same registry.
   * @param headers More of them: a proof of handover.ts.
   * @returns undefined when nothing need be sent, else the upload's URL.
   */
  async startUpload(
    mount: { digest: Digest; from: string } | undefined,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string | undefined> {
    const query = mount === undefined ? "" : `?${new URLSearchParams({ mount: mount.digest, from: mount.from })}`;
    const response = await this.places.write({
      method: "POST",
      path: `/v2/${this.path}/blobs/uploads/${query}`,
      headers,
      body: "",
      signal,
    });
    if (response.status === 201) return undefined;
    if (response.status !== 202) throw await refusal(response, this.name);
    return this.#location(response);
  }

  /** Sends `size` bytes of a file from `offset` on. @returns the URL for the next part. */
  async uploadPart(url: string, file: FileHandle, offset: number, size: number, signal: AbortSignal): Promise<string> {
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(size),
      "Content-Range": `${offset}-${offset + size - 1}`,
    };
    const body = filePart(file, offset, size);
    const response = await this.places.write({ method: "PATCH", path: url, headers, body, signal });
    if (response.status !== 202) throw await refusal(response, this.name);
    return this.#location(response);
  }

  /** How much the registry has of an upload, and where to go on: after a connection broke. */
  async uploadStatus(url: string, signal: AbortSignal): Promise<{ offset: number; url: string }> {
    const response = await this.places.write({ method: "GET", path: url, signal });
    if (response.status !== 204) throw await refusal(response, this.name);
    const last = response.headers.get("range")?.match(/^(?:bytes=)?0-(\d+)$/)?.[1];
    return { offset: last === undefined ? 0 : Number(last) + 1, url: this.#location(response) };
  }

  async finishUpload(url: string, digest: Digest, signal: AbortSignal): Promise<void> {
    const target = new URL(url);
    target.searchParams.set("digest", digest);
    const response = await this.places.write({ method: "PUT", path: target.href, body: "", signal });
    if (response.status !== 201) throw await refusal(response, this.name);
    await response.body?.cancel();
  }

  async putManifest(reference: string, mediaType: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const path = `/v2/${this.path}/manifests/${reference}`;
    const response = await this.places.write({
      method: "PUT",
      path,
      headers: { "Content-Type": mediaType },
      body: bytes,
      signal,
    });
    if (response.status !== 201) throw await refusal(response, this.name);
    await response.body?.cancel();
  }

  #location(response: Response): string {
    const location = response.headers.get("location");
    const base = URL.canParse(response.url) ? response.url : undefined;
    if (location === null || !URL.canParse(location, base))
      throw new HoyError("invalid", `the registry of ${this.name} gave no place to upload to`);
    void response.body?.cancel();
    return new URL(location, base).href;
  }
}

/** Where a part begins (RFC 9110, 14.4); servers that do not say are taken at their word. */
function rangeStart(header: string | null, asked: number): number {
  if (header === null) return asked;
  const start = header.match(/^bytes (\d{1,15})-/)?.[1];
  return start === undefined ? Number.POSITIVE_INFINITY : Number(start);
}
