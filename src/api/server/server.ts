// The API server: one node:http server that is fed connections by any number of listeners, a router, and the way
// from a request to a handler and back. What the verbs do is the Backend's.

import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HoyError } from "../../base/error.ts";
import type { Backend } from "../backend.ts";
import { API_VERSION } from "../version.ts";
import { refuseBrowsers } from "./browsers.ts";
import { Call } from "./call.ts";
import { Connection } from "./connection.ts";
import { Http2Door } from "./http2.ts";
import { type Listener, type Listening, listen } from "./listen.ts";
import { type BuildkitDoor, DEFAULT_LIMITS, type Limits, type Log, type ServerOptions, type Trace } from "./options.ts";
import { sendError } from "./reply.ts";
import { type Match, Router, splitVersion } from "./router.ts";
import { ROUTES } from "./routes/index.ts";
import { sniff } from "./sniff.ts";

export interface ApiServerOptions {
  readonly backend: Backend;
  readonly log: Log;
  readonly productVersion: string;
  readonly limits?: Partial<Limits>;
  readonly trace?: Trace;
  readonly builderVersion?: string;
  readonly buildkit?: BuildkitDoor | undefined;
  readonly experimental?: boolean;
  readonly unread?: ServerOptions["unread"];
}

export interface ApiServer {
  /** Opens one more door; resolves when it takes connections. @throws HoyError when it can't be opened. */
  listen(listener: Listener): Promise<Listening>;
  /** Stops listening, cuts idle connections and streams without end, waits `grace` ms for the rest, cuts it too. */
  close(grace?: number): Promise<void>;
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const door = new Http2Door(options.log, options.buildkit?.serve);
  const parts = {
    backend: options.backend,
    log: options.log,
    productVersion: options.productVersion,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    trace: options.trace ?? (() => () => undefined),
    builderVersion: options.builderVersion ?? (options.buildkit === undefined ? "1" : "2"),
    buildkit: options.buildkit,
    http2: (socket: Duplex) => door.accept(socket),
    experimental: options.experimental ?? false,
    unread: options.unread ?? (() => 0),
  };
  return new HttpApiServer(parts, door);
}

const NOTHING = new Uint8Array(0);

class HttpApiServer implements ApiServer {
  readonly #options: ServerOptions;
  readonly #router = new Router(ROUTES);
  readonly #http: Server;
  readonly #http2: Http2Door;
  readonly #connections = new Map<Duplex, Connection>();
  readonly #listening: Listening[] = [];

  constructor(options: ServerOptions, door: Http2Door) {
    this.#options = options;
    const { limits } = options;
    this.#http = createServer({
      maxHeaderSize: limits.headBytes,
      requestTimeout: 0, // uploads and streams take as long as they take; heads are watched by Connection
      keepAliveTimeout: 0,
      shouldUpgradeCallback: (request: IncomingMessage) => this.#mayUpgrade(request),
    } as Parameters<typeof createServer>[0]);
    this.#http.on("request", (request, response) => this.#serve(request, response, NOTHING, false));
    this.#http.on("checkContinue", (request, response) => this.#serve(request, response, NOTHING, true));
    this.#http.on("upgrade", (request, socket, head) => this.#serveUpgrade(request, socket, head));
    this.#http.on("clientError", (error, socket) => refuse(error, socket));
    this.#http2 = door;
  }

  async listen(listener: Listener): Promise<Listening> {
    const listening = await listen(listener, this.#options.log, (socket, remote) => this.#accept(socket, remote));
    this.#listening.push(listening);
    return listening;
  }

  async close(grace = 0): Promise<void> {
    for (const listening of this.#listening.splice(0)) listening.close();
    for (const [socket, connection] of this.#connections) if (connection.mayCut) socket.destroy();
    const end = Date.now() + grace;
    while (this.#connections.size > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#http2.close();
  }

  #accept(socket: Socket, remote: boolean): void {
    const { limits, log } = this.#options;
    if (this.#connections.size >= limits.connections) {
      log.warn("too many connections: one was closed", { limit: limits.connections });
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, remote, limits);
    this.#connections.set(socket, connection);
    socket.once("close", () => this.#connections.delete(socket));
    sniff(socket, {
      http1: (each) => {
        this.#http.emit("connection", each);
        connection.parserListens();
      },
      http2: (each) => {
        connection.stopTiming();
        this.#http2.accept(each);
      },
    });
  }

  /** A request that upgrades and has a body goes the ordinary way: the parser reads the body, then we take over. */
  #mayUpgrade(request: IncomingMessage): boolean {
    const { headers } = request;
    if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0) return false;
    try {
      return this.#match(request).match.route.hijack === true;
    } catch {
      return false; // the ordinary way gives the error its answer
    }
  }

  #serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.once("finish", () => socket.end());
    this.#serve(request, response, head, false);
  }

  #serve(request: IncomingMessage, response: ServerResponse, early: Uint8Array, expectsContinue: boolean): void {
    const { productVersion, experimental } = this.#options;
    response.setHeader("Api-Version", API_VERSION);
    response.setHeader("Docker-Experimental", String(experimental));
    response.setHeader("Ostype", "linux");
    response.setHeader("Server", `hoy/${productVersion} (linux)`);
    const socket = request.socket;
    const connection = this.#connections.get(socket);
    if (connection === undefined) return void socket.destroy(); // closed while its request was parsed
    const controller = connection.requestBegan();
    // Of a connection that is taken over the answer never closes; the connection itself tells then.
    response.once("close", () => {
      connection.requestEnded(controller);
      if (!response.writableFinished) controller.abort();
    });
    const call = (found?: Found) =>
      new Call({
        request,
        response,
        socket,
        early,
        version: found?.version ?? API_VERSION,
        path: found?.path ?? request.url ?? "",
        query: found?.query ?? "",
        params: found?.match.params ?? new Map(),
        signal: controller.signal,
        options: this.#options,
        expectsContinue,
        detached: () => connection.stopTiming(),
        endless: () => connection.setEndless(),
      });
    void this.#run(request, call, connection.remote);
  }

  /** Runs a handler. Whatever it throws becomes an answer here, and nowhere else; the daemon stays up. */
  async #run(request: IncomingMessage, callOf: (found?: Found) => Call, remote: boolean): Promise<void> {
    let call = callOf();
    let end: ((error?: unknown) => void) | undefined;
    try {
      if (remote) refuseBrowsers(request);
      const found = this.#match(request);
      call = callOf(found);
      end = this.#options.trace(`${found.match.route.method} ${found.match.route.path}`, { version: found.version });
      await found.match.route.handler(call);
      end();
    } catch (thrown) {
      end?.(thrown);
      sendError(call, thrown);
    } finally {
      drainUnread(request, call.response);
    }
  }

  #match(request: IncomingMessage): Found {
    const url = request.url ?? "";
    const mark = url.indexOf("?");
    const { version, path } = splitVersion(decodePath(mark < 0 ? url : url.slice(0, mark)));
    const match = this.#router.find(request.method ?? "", path);
    if (match === undefined) throw new HoyError("not-found", "page not found");
    return { version, path, query: mark < 0 ? "" : url.slice(mark + 1), match };
  }
}

interface Found {
  readonly version: string;
  readonly path: string;
  readonly query: string;
  readonly match: Match;
}

function decodePath(text: string): string {
  let path: string;
  try {
    path = decodeURIComponent(text);
  } catch {
    throw new HoyError("invalid", "the path is not well percent-encoded");
  }
  if (path.includes("\0")) throw new HoyError("invalid", "the path holds a NUL");
  return path;
}

/** Time for a client to read an error that came before its upload was whole, in milliseconds. */
const UPLOAD_LINGER = 2_000;

/**
 * An answer before the body was read: throw away what still comes for a moment (closing at once would reset the
 * connection and lose the answer), then close.
 */
function drainUnread(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || response.socket === null) return;
  const { socket } = request;
  const close = () => {
    request.resume();
    setTimeout(() => {
      if (!request.complete) socket.destroy();
    }, UPLOAD_LINGER).unref();
  };
  if (response.writableFinished) close();
  else response.once("finish", close);
}

/** What could not be parsed. Not a word of it is repeated. */
function refuse(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === "ECONNRESET" || error.code === "EPIPE" || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const status = tooLarge ? "431 Request Header Fields Too Large" : "400 Bad Request";
  const body = `${JSON.stringify({ message: tooLarge ? "the request's headers are too large" : "malformed request" })}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}
