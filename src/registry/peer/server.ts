// The engine's own images as a registry for its peers: read-only, three end-points of the distribution spec, nothing
// that makes the engine ask anybody for anything. Who may ask is told by address and client certificate before a
// request is read. See docs/decisions/peer-registry.md.

import { open } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { BlockList, Socket } from "node:net";
import { isIP } from "node:net";
import { isDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import { COMING_HEADER, comingHeader, parseComing } from "../client/under-way.ts";
import { RegistryError } from "../server/errors.ts";
import { isTag } from "../server/names.ts";
import { parseRange } from "../server/range.ts";
import { parseRoute } from "../server/route.ts";
import { sendFile } from "../server/send-file.ts";
import type { PeerSource } from "./source.ts";

export interface PeerServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM; with `ca`, callers need a certificate of it. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string | undefined } | undefined;
  /** Whose addresses may ask. */
  readonly networks: BlockList;
}

export interface PeerServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Requests under way; a peer that hears of more asks another. */
const AT_ONCE = 64;
const HEADERS_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const HUB = "docker.io";
const REGISTRY = /^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:\d{1,5})?$/;

/** @throws HoyError "conflict" when the port is in use, "invalid" for certificates that are none. */
export async function startPeerServer(source: PeerSource, options: PeerServerOptions): Promise<PeerServer> {
  const handler = handlerOf(source);
  const server = options.tls === undefined ? createServer(handler) : tlsServer(options.tls, handler);
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = HEADERS_TIMEOUT_MS;
  server.setTimeout(IDLE_TIMEOUT_MS);
  server.on("connection", (socket: Socket) => {
    if (!isAllowed(socket.remoteAddress ?? "", options.networks)) socket.destroy();
  });
  const address = await listen(server, options);
  return {
    address,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A peer whose answer ends early asks elsewhere for the rest.
      server.closeAllConnections();
      await closed;
    },
  };
}

function tlsServer({ cert, key, ca }: NonNullable<PeerServerOptions["tls"]>, handler: Handler): Server {
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  try {
    return createTlsServer({ cert, key, ...clients }, handler);
  } catch (cause) {
    throw new HoyError("invalid", `the certificates of the peer registry can't be used: ${String(cause)}`, { cause });
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

function handlerOf(source: PeerSource): Handler {
  let under = 0;
  return (request, response) => {
    under++;
    response.once("close", () => under--);
    const tooMany = under > AT_ONCE;
    answer(source, request, response, tooMany).catch((error: unknown) => fail(request, response, error));
  };
}

async function answer(source: PeerSource, request: IncomingMessage, response: ServerResponse, tooMany: boolean) {
  if (request.method !== "GET" && request.method !== "HEAD")
    throw new RegistryError(405, "UNSUPPORTED", "a peer is read only");
  if (tooMany) throw new RegistryError(503, "TOOMANYREQUESTS", "too many requests at once");
  const url = new URL(request.url ?? "/", "http://peer.invalid");
  const route = parseRoute(url.pathname);
  if (route?.kind === "base") return send(request, response, {}, Buffer.from("{}"));
  if (route?.kind === "manifest") {
    const { reference } = route;
    if (!isDigest(reference) && !isTag(reference)) throw unknown();
    const found = await source.manifest(`${registryOf(url)}/${route.name}`, reference);
    if (found === undefined) throw unknown();
    const headers = { "Content-Type": found.mediaType, "Docker-Content-Digest": found.digest };
    return send(request, response, headers, found.bytes);
  }
  if (route?.kind === "blob" && isDigest(route.reference)) {
    const path = await source.blob(route.reference);
    if (path === undefined) {
      const asker = parseComing(request.headers[COMING_HEADER.toLowerCase()]?.toString() ?? null);
      const coming = source.coming(`${registryOf(url)}/${route.name}`, route.reference, asker);
      throw unknown(coming === undefined ? {} : { [COMING_HEADER]: comingHeader(coming) });
    }
    return sendBlob(request, response, path, route.reference);
  }
  throw unknown();
}

/** The `ns` of containerd's mirrors: which registry the name is of. */
function registryOf(url: URL): string {
  const ns = url.searchParams.get("ns") ?? HUB;
  if (!REGISTRY.test(ns)) throw unknown();
  return ns;
}

async function sendBlob(request: IncomingMessage, response: ServerResponse, path: string, digest: string) {
  // Opened now: from here on a removal takes the name, not the bytes.
  const file = await open(path, "r").catch((cause: unknown) => {
    throw cause instanceof Error && "code" in cause && cause.code === "ENOENT" ? unknown() : cause;
  });
  try {
    const { size } = await file.stat();
    const range = request.method === "GET" ? parseRange(request.headers.range, size) : undefined;
    if (range === "unsatisfiable") {
      const headers = { "Content-Range": `bytes */${size}` };
      throw new RegistryError(416, "SIZE_INVALID", "the range is outside the blob", { headers });
    }
    const { start, end } = range ?? { start: 0, end: size };
    response.writeHead(range === undefined ? 200 : 206, {
      "Content-Type": "application/octet-stream",
      "Content-Length": end - start,
      "Docker-Content-Digest": digest,
      "Accept-Ranges": "bytes",
      ...(range === undefined ? {} : { "Content-Range": `bytes ${start}-${end - 1}/${size}` }),
    });
    if (request.method === "HEAD") response.end();
    else await sendFile(response, file, { start, end });
  } finally {
    await file.close();
  }
}

function send(request: IncomingMessage, response: ServerResponse, headers: Record<string, string>, body: Uint8Array) {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length, ...headers });
  response.end(request.method === "HEAD" ? undefined : body);
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (!(error instanceof RegistryError)) log.error("a peer's request failed", { url: request.url, error });
  if (response.headersSent) {
    // Too late for an answer: the reader must not take what it has for whole.
    response.destroy();
    return;
  }
  const known =
    error instanceof RegistryError ? error : new RegistryError(500, "UNKNOWN", "unknown error", { cause: error });
  const body = Buffer.from(known.body());
  response.writeHead(known.status, {
    Connection: "close",
    "Content-Type": "application/json",
    "Content-Length": body.length,
    ...known.headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** The same for what is not here and what is not for peers. */
function unknown(headers: Readonly<Record<string, string>> = {}): RegistryError {
  return new RegistryError(404, "UNKNOWN", "not here", { headers });
}

function isAllowed(address: string, networks: BlockList): boolean {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address;
  const family = isIP(plain);
  return family !== 0 && networks.check(plain, family === 4 ? "ipv4" : "ipv6");
}

function listen(server: Server, { host, port }: PeerServerOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const where = (actual: number) => (isIP(host) === 6 ? `[${host}]:${actual}` : `${host}:${actual}`);
    server.once("error", (cause) => {
      reject(new HoyError("conflict", `the peer registry can't listen on ${where(port)}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => {
      const bound = server.address();
      resolve(where(typeof bound === "object" && bound !== null ? bound.port : port));
    });
  });
}
