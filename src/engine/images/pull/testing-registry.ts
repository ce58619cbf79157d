// For the tests beside: a registry in this process that does as a test says: it answers as the distribution spec has it
// until a rule of the test takes the request. Connections can be cut in the middle of a body.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { sha256 } from "../../../base/digest.ts";
import { writeManifest } from "../../../image/manifest.ts";
import { mediaTypes } from "../../../image/media-types.ts";

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Takes a request, or leaves it by `false`. */
export type Rule = (asked: Asked, response: ServerResponse) => boolean | Promise<boolean>;

export type Packing = "gzip" | "zstd" | "plain";

const LAYER_TYPES = { gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd, plain: mediaTypes.ociLayer };

export class TestRegistry implements AsyncDisposable {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { bytes: Uint8Array; type: string }>();
  readonly asked: Asked[] = [];
  /** Asked in order before the answer of an honest registry. */
  rules: Rule[] = [];
  readonly #uploads = new Map<string, Buffer>();
  readonly #server: Server;

  readonly #host: string;

  private constructor(host: string, tls: TlsOptions | undefined) {
    this.#host = host;
    const take = (request: IncomingMessage, response: ServerResponse) => void this.#take(request, response);
    this.#server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
  }

  /** The socket is made before the first await. */
  static async start(host = "127.0.0.1", tls?: TlsOptions): Promise<TestRegistry> {
    const registry = new TestRegistry(host, tls);
    await new Promise<void>((resolve) => registry.#server.listen(0, host, resolve));
    return registry;
  }

  get address(): string {
    return `${this.#host}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Puts an image of these layers' tars there as NAME:TAG. @returns the digests of its blobs, layers only. */
  put(name: string, tag: string, tars: readonly Uint8Array[], packing: Packing = "gzip"): string[] {
    const pack = { gzip: gzipSync, zstd: zstdCompressSync, plain: (bytes: Uint8Array) => Buffer.from(bytes) }[packing];
    const packed = tars.map((tar) => pack(tar));
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === "x64" ? "amd64" : process.arch,
        os: "linux",
        config: {},
        rootfs: { type: "layers", diff_ids: tars.map((tar) => sha256(tar)) },
      }),
    );
    const describe = (mediaType: string, bytes: Buffer) => {
      this.blobs.set(sha256(bytes), bytes);
      return { mediaType, digest: sha256(bytes), size: bytes.length };
    };
    const layers = packed.map((bytes) => describe(LAYER_TYPES[packing], bytes));
    this.putManifest(name, tag, writeManifest(describe(mediaTypes.ociConfig, config), layers));
    return layers.map(({ digest }) => digest);
  }

  putManifest(name: string, tag: string, bytes: Uint8Array, type: string = mediaTypes.ociManifest): void {
    for (const reference of [tag, sha256(bytes)]) this.manifests.set(`${name}:${reference}`, { bytes, type });
  }

  /** Requests of this method whose URL has this in it. */
  count(method: string, part: string): number {
    return this.asked.filter((one) => one.method === method && one.url.includes(part)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    // A client that goes in the middle of its body has no answer to wait for.
    request.on("error", () => response.destroy());
    for await (const part of request) parts.push(part as Buffer);
    const { method = "", url = "", headers } = request;
    const asked = { method, url, headers, body: Buffer.concat(parts) };
    this.asked.push(asked);
    for (const rule of this.rules) if (await rule(asked, response)) return;
    this.#honest(asked, response);
  }

  #honest(asked: Asked, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(asked.url, "http://registry");
    const manifest = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(pathname);
    const blob = /^\/v2\/.+\/blobs\/(sha256:[0-9a-f]{64})$/.exec(pathname)?.[1];
    const upload = /^(\/v2\/.+\/blobs\/uploads\/)([^/]*)$/.exec(pathname);
    const [, name = "", reference = ""] = manifest ?? [];
    if (asked.method === "PUT" && manifest !== null) {
      this.putManifest(name, reference, asked.body, asked.headers["content-type"]);
      response.writeHead(201).end();
    } else if (manifest !== null) this.#manifest(asked, `${name}:${reference}`, response);
    else if (blob !== undefined) this.#blob(asked, blob, response);
    else if (upload !== null)
      this.#upload(asked, upload[1] ?? "", upload[2] ?? "", searchParams.get("digest"), response);
    else if (pathname === "/v2/") response.writeHead(200).end("{}");
    else if (pathname.endsWith("/tags/list")) {
      const own = `${pathname.slice("/v2/".length, -"/tags/list".length)}:`;
      const tags = [...this.manifests.keys()].filter((key) => key.startsWith(own) && !key.includes("sha256:"));
      response.end(JSON.stringify({ tags: tags.map((key) => key.slice(own.length)) }));
    } else refuse(response, 404, "NAME_UNKNOWN");
  }

  #manifest(asked: Asked, key: string, response: ServerResponse): void {
    const found = this.manifests.get(key);
    if (found === undefined) {
      refuse(response, 404, "MANIFEST_UNKNOWN");
      return;
    }
    response.setHeader("Content-Type", found.type);
    response.setHeader("Docker-Content-Digest", sha256(found.bytes));
    response.setHeader("Content-Length", found.bytes.length);
    response.end(asked.method === "HEAD" ? undefined : found.bytes);
  }

  #blob(asked: Asked, digest: string, response: ServerResponse): void {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) {
      refuse(response, 404, "BLOB_UNKNOWN");
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(asked.headers.range ?? "")?.[1] ?? 0);
    if (from > 0) response.setHeader("Content-Range", `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
    response.writeHead(from > 0 ? 206 : 200, { "Content-Length": bytes.length - from });
    response.end(asked.method === "HEAD" ? undefined : bytes.subarray(from));
  }

  #upload(asked: Asked, base: string, id: string, digest: string | null, response: ServerResponse): void {
    const key = id === "" ? String(this.#uploads.size) : id;
    const have = this.#uploads.get(key) ?? Buffer.alloc(0);
    const bytes = Buffer.concat([have, asked.body]);
    response.setHeader("Location", `${base}${key}`);
    if (asked.method === "GET") response.writeHead(204, { Range: `0-${have.length - 1}` }).end();
    else if (asked.method === "PUT") {
      if (digest !== sha256(bytes)) {
        refuse(response, 400, "DIGEST_INVALID");
        return;
      }
      this.blobs.set(digest, bytes);
      response.writeHead(201).end();
    } else {
      this.#uploads.set(key, bytes);
      response.writeHead(202, { Range: `0-${Math.max(0, bytes.length - 1)}` }).end();
    }
  }
}

export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] }));
}

/** Sends so much of a blob, from where the request wants it, and breaks the connection once `arrived` says that it came. */
export async function cutAfter(
  bytes: Buffer,
  length: number,
  asked: Asked,
  response: ServerResponse,
  arrived: (total: number) => Promise<void>,
): Promise<void> {
  const from = Number(/^bytes=(\d+)-$/.exec(asked.headers.range ?? "")?.[1] ?? 0);
  if (from > 0) response.setHeader("Content-Range", `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
  response.writeHead(from > 0 ? 206 : 200, { "Content-Length": bytes.length - from });
  response.write(bytes.subarray(from, from + length));
  await arrived(from + length);
  response.destroy();
}
