// What an API server is made with, and its limits with their defaults.

import type * as http2 from "node:http2";
import type { Duplex } from "node:stream";
import type { Backend } from "../backend.ts";

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** Called when a span begins; what it returns is called at its end. Nothing of a request but its route goes in. */
export type Trace = (name: string, attributes: Record<string, string>) => (error?: unknown) => void;

export interface Limits {
  /** Bytes of a request's line and headers. */
  readonly headBytes: number;
  /** Bytes of a JSON body. */
  readonly jsonBytes: number;
  /** Connections at a time over all listeners; more are closed at once. */
  readonly connections: number;
  /** Milliseconds from the first byte of a head to its last, and from connecting to the first byte on TCP. */
  readonly headTimeout: number;
  /** Milliseconds in which a JSON body must be whole. */
  readonly jsonTimeout: number;
  /** Milliseconds that a connection may idle between requests. */
  readonly idleTimeout: number;
}

export const DEFAULT_LIMITS: Limits = {
  headBytes: 64 * 1024,
  jsonBytes: 8 * 1024 * 1024,
  connections: 4096,
  headTimeout: 30_000,
  jsonTimeout: 60_000,
  idleTimeout: 300_000,
};

/** BuildKit's API, which comes over connections that are taken over, or as HTTP/2 from the start. */
export interface BuildkitDoor {
  /** Serves one HTTP/2 stream. */
  serve(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void;
  /** @throws HoyError when no session can be opened with these headers (names and values in turn). */
  checkSession(rawHeaders: readonly string[]): void;
  /** Takes a connection on which the client serves gRPC. */
  openSession(socket: Duplex, rawHeaders: readonly string[]): void;
}

export interface ServerOptions {
  readonly backend: Backend;
  readonly log: Log;
  /** Shown in the Server header. */
  readonly productVersion: string;
  readonly limits: Limits;
  readonly trace: Trace;
  /** "1" while builds go over POST /build only, "2" when BuildKit's API is served; shown by ping. */
  readonly builderVersion: string;
  readonly buildkit: BuildkitDoor | undefined;
  /** Takes a connection that will speak HTTP/2. */
  readonly http2: (socket: Duplex) => void;
  readonly experimental: boolean;
  /** Bytes in this socket that the client has not read yet, on a unix socket; 0 where nobody can tell. */
  readonly unread: (fd: number) => number;
}
