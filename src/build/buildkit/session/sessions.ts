// Sessions: each client of a build lends what it has (files, secrets, credentials) over a connection that it opened and
// on which the engine is the one who calls. This is the list of them, by the id that the client gave itself.

import type { Duplex } from "node:stream";
import { HoyError } from "../../../base/error.ts";
import { GrpcClient } from "../grpc/client.ts";
import { Health } from "../proto/gen/health_pb.ts";
import { DIRECT_HEADER } from "../proto/pieces.ts";

/** Headers of a session's request, lower case; what BuildKit's clients send. */
const ID = "x-docker-expose-session-uuid";
const SHARED_KEY = "x-docker-expose-session-sharedkey";
const METHODS = "x-docker-expose-session-grpc-method";

/** Sessions at a time. */
const MAX_SESSIONS = 1000;
/** Milliseconds that a build waits for its client to open the session that it named. */
const PATIENCE = 15_000;
/** Milliseconds between two looks whether a client still answers, and in which it must. */
const HEALTH_INTERVAL = 15_000;
const HEALTH_TIMEOUT = 30_000;

export interface ClientSession {
  readonly id: string;
  /** Names the client's machine and user over builds; "" for many. */
  readonly sharedKey: string;
  readonly client: GrpcClient;
  /** It can give contents of files on a connection of their own. */
  readonly takesDirect: boolean;
  /** "/package.Service/Method" */
  supports(path: string): boolean;
}

export interface SessionLog {
  debug(message: string, fields?: Record<string, unknown>): void;
}

export class Sessions {
  readonly #log: SessionLog;
  readonly #sessions = new Map<string, ClientSession>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(log: SessionLog) {
    this.#log = log;
  }

  /** Fit to be opened? Asked before the connection is taken over. @throws HoyError "invalid", "conflict". */
  check(headers: Headers): void {
    const id = headers.one(ID);
    if (!/^[\x21-\x7e]{1,128}$/.test(id)) throw new HoyError("invalid", "the session has no usable id");
    if (this.#sessions.has(id)) throw new HoyError("conflict", `session ${id} already exists`);
    if (this.#sessions.size >= MAX_SESSIONS) throw new HoyError("unavailable", "too many sessions");
  }

  /** Takes a connection on which the other side serves gRPC. It is a session until it closes. */
  accept(socket: Duplex, headers: Headers): void {
    const id = headers.one(ID);
    const methods = new Set(headers.all(METHODS).map((each) => each.toLowerCase()));
    const client = new GrpcClient(socket, (error) => this.#log.debug("session", { id, error: error.message }));
    const session: ClientSession = {
      id,
      sharedKey: headers.one(SHARED_KEY).slice(0, 1024),
      client,
      takesDirect: headers.one(DIRECT_HEADER.toLowerCase()) !== "",
      supports: (path) => methods.has(path.toLowerCase()),
    };
    this.#sessions.set(id, session);
    client.closed.addEventListener("abort", () => this.#sessions.delete(id), { once: true });
    this.#watch(session);
    for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  /** The session of that id, waited for a while. @throws HoyError "not-found" when it does not come. */
  async get(id: string, signal: AbortSignal): Promise<ClientSession> {
    const found = this.#sessions.get(id);
    if (found !== undefined) return found;
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE);
    waiting.add(resolve);
    const stop = () => resolve();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await promise;
      signal.throwIfAborted();
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(id);
    }
    const came = this.#sessions.get(id);
    if (came === undefined) throw new HoyError("not-found", `no active session for ${id}`);
    return came;
  }

  close(): void {
    for (const { client } of this.#sessions.values()) client.close();
  }

  /** A client whose machine vanished closes nothing. */
  #watch({ id, client }: ClientSession): void {
    let asking = false;
    const timer = setInterval(() => {
      if (asking) return;
      asking = true;
      client
        .unary(Health.method.check, {}, { signal: AbortSignal.timeout(HEALTH_TIMEOUT) })
        .catch((thrown: unknown) => {
          if (client.closed.aborted) return;
          this.#log.debug("a session does not answer: it was closed", { id, error: String(thrown) });
          client.close();
        })
        .finally(() => {
          asking = false;
        });
    }, HEALTH_INTERVAL);
    timer.unref();
    client.closed.addEventListener("abort", () => clearInterval(timer), { once: true });
  }
}

/** A request's headers, by name in lower case. */
export interface Headers {
  /** The first; "" when there is none. */
  one(name: string): string;
  all(name: string): readonly string[];
}

/** From node:http's list of names and values, which keeps a header that came several times apart. */
export function headersOf(raw: readonly string[]): Headers {
  const values = new Map<string, string[]>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    const list = values.get(name) ?? [];
    values.set(name, list);
    list.push(raw[at + 1] ?? "");
  }
  return { one: (name) => values.get(name)?.[0] ?? "", all: (name) => values.get(name) ?? [] };
}
