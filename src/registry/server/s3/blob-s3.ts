// Blobs as objects of an S3-compatible store, <prefix>blobs/<algorithm>/<hex>. Small ones are put whole, larger ones in parts
// side by side; every body is signed with its sha256. An object appears when it is complete, and only after its size was
// asked for and was right does the registry believe in it. What is broken off is aborted, also at the next start.

import { type FileHandle, open, rm } from "node:fs/promises";
import { HoyError } from "../../../base/error.ts";
import { log } from "../../../base/log.ts";
import type { BlobStore } from "../blob-store.ts";
import { RegistryError } from "../errors.ts";
import type { AnyDigest } from "../names.ts";
import type { ByteRange } from "../storage.ts";
import { element, elements, S3Client, type S3Options } from "./client.ts";

/** S3 wants 5 MiB a part at least, and 10,000 parts at most. */
const PART = 16 * 1024 * 1024;
const PARTS = 9_000;
const AT_ONCE = 3;
const READ_TRIES = 4;
const REDIRECT_S = 20 * 60;

export interface BlobS3Options extends S3Options {
  /** Readers are sent to the store itself. */
  readonly redirect: boolean;
}

export class BlobS3 implements BlobStore {
  readonly place: string;
  readonly #client: S3Client;
  readonly #redirect: boolean;

  constructor(options: BlobS3Options) {
    this.place = `s3 ${options.bucket} ${options.prefix}`.trim();
    this.#client = new S3Client(options);
    this.#redirect = options.redirect;
  }

  /** Aborts uploads that a crash left: nobody sees them, but they are paid for. */
  async prepare(): Promise<void> {
    for (let marks: Readonly<Record<string, string>> | undefined = {}; marks !== undefined; ) {
      const query = { uploads: "", prefix: `${this.#client.prefix}blobs/`, ...marks };
      const answer = await this.#client.send({ method: "GET", query }, [501]);
      const xml = await answer.text();
      if (answer.status === 501) return log.debug("the S3 store can't list uploads that were broken off");
      const [keys, ids] = [elements(xml, "Key"), elements(xml, "UploadId")];
      for (const [at, uploadId] of ids.entries()) {
        const key = keys[at]?.slice(this.#client.prefix.length);
        if (key !== undefined) await this.#client.send({ method: "DELETE", key, query: { uploadId } }, [404]);
      }
      marks = nextUploads(xml);
    }
  }

  async put(digest: AnyDigest, path: string): Promise<void> {
    const key = keyOf(digest);
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size <= PART) {
      const known = digest.algorithm === "sha256" ? { sha256: digest.hex } : {};
      await this.#client.send({ method: "PUT", key, body: await part(file, 0, size), ...known });
    } else await this.#putParts(key, file, size);
    const head = await this.#client.send({ method: "HEAD", key });
    const there = Number(head.headers.get("content-length"));
    if (there !== size) throw new HoyError("unavailable", `the S3 store has ${there} bytes of ${key}, not ${size}`);
    await rm(path, { force: true });
  }

  async read(digest: AnyDigest, range: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const key = keyOf(digest);
    if (range.end <= range.start) {
      const head = await this.#client.send({ method: "HEAD", key }, [404]);
      if (head.status === 404) throw unknown();
      return nothing();
    }
    // Asked for now: what is missing is known before the answer's head is written.
    return this.#follow(key, range, await this.#from(key, range));
  }

  async remove(digest: AnyDigest): Promise<void> {
    await this.#client.send({ method: "DELETE", key: keyOf(digest) }, [404]);
  }

  async *list(): AsyncGenerator<string> {
    const start = `${this.#client.prefix}blobs/`;
    for (let token: string | undefined = "first"; token !== undefined; ) {
      const more: Record<string, string> = token === "first" ? {} : { "continuation-token": token };
      const query: Record<string, string> = { "list-type": "2", prefix: start, ...more };
      const xml: string = await (await this.#client.send({ method: "GET", query })).text();
      for (const key of elements(xml, "Key")) yield key.slice(start.length).replace("/", ":");
      token = element(xml, "IsTruncated") === "true" ? element(xml, "NextContinuationToken") : undefined;
    }
  }

  async url(digest: AnyDigest): Promise<string | undefined> {
    return this.#redirect ? this.#client.presigned(keyOf(digest), REDIRECT_S) : undefined;
  }

  async #putParts(key: string, file: FileHandle, size: number): Promise<void> {
    const started = await this.#client.send({ method: "POST", key, query: { uploads: "" } });
    const uploadId = element(await started.text(), "UploadId");
    if (uploadId === undefined) throw new HoyError("unavailable", "the S3 store began no upload");
    try {
      const tags = await this.#sendParts(key, uploadId, file, size);
      const list = tags.map((tag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${tag}</ETag></Part>`).join("");
      const body = new TextEncoder().encode(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`);
      const done = await (await this.#client.send({ method: "POST", key, query: { uploadId }, body })).text();
      // S3 may answer 200 and say in the body that it failed.
      if (element(done, "ETag") === undefined)
        throw new HoyError(
          "unavailable",
          `the S3 store did not complete ${key}: ${element(done, "Message") ?? "no word"}`,
        );
    } catch (error) {
      await this.#client.send({ method: "DELETE", key, query: { uploadId } }, [404]).catch((cause: unknown) => {
        log.warn("an S3 upload could not be aborted", { key, error: cause });
      });
      throw error;
    }
  }

  async #sendParts(key: string, uploadId: string, file: FileHandle, size: number): Promise<string[]> {
    const length = Math.max(PART, Math.ceil(size / PARTS));
    const count = Math.ceil(size / length);
    const tags: string[] = [];
    let next = 0;
    const worker = async () => {
      for (let at = next++; at < count; at = next++) {
        const body = await part(file, at * length, Math.min(length, size - at * length));
        const query = { partNumber: String(at + 1), uploadId };
        const answer = await this.#client.send({ method: "PUT", key, query, body });
        tags[at] = escapeXml(answer.headers.get("etag") ?? "");
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return tags;
  }

  /** Goes on where a connection broke. */
  async *#follow(key: string, { start, end }: ByteRange, first: ReadableStream<Uint8Array>) {
    let at = start;
    let body: ReadableStream<Uint8Array> = first;
    for (let tries = 1; ; tries++) {
      try {
        for await (const chunk of body) {
          at += chunk.length;
          yield chunk;
        }
        if (at >= end) return;
      } catch (error) {
        if (tries >= READ_TRIES) throw error;
      }
      if (tries >= READ_TRIES) throw new HoyError("unavailable", `the S3 store broke off ${key} at byte ${at}`);
      body = await this.#from(key, { start: at, end });
    }
  }

  async #from(key: string, { start, end }: ByteRange): Promise<ReadableStream<Uint8Array>> {
    const headers = { Range: `bytes=${start}-${end - 1}` };
    const answer = await this.#client.send({ method: "GET", key, headers }, [404]);
    if (answer.status === 404) throw unknown();
    if (answer.status !== 206 || answer.body === null)
      throw new HoyError("unavailable", `the S3 store answered ${answer.status} to a range of ${key}`);
    return answer.body;
  }
}

/** Where the next page of a list of uploads begins; undefined: this was the last. */
function nextUploads(xml: string): Readonly<Record<string, string>> | undefined {
  const [key, id] = [element(xml, "NextKeyMarker"), element(xml, "NextUploadIdMarker")];
  if (element(xml, "IsTruncated") !== "true" || key === undefined) return undefined;
  return { "key-marker": key, ...(id === undefined ? {} : { "upload-id-marker": id }) };
}

function keyOf({ algorithm, hex }: AnyDigest): string {
  return `blobs/${algorithm}/${hex}`;
}

async function part(file: FileHandle, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) throw new HoyError("internal", "an upload became shorter while it was stored");
    at += bytesRead;
  }
  return bytes;
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // No bytes were asked for.
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function unknown(): RegistryError {
  return new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry");
}
