// One request on its way through a handler: what was asked (path, query, version, body) and the door to answer.
// The signal fires when the client goes away before the answer is whole.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HoyError } from "../../base/error.ts";
import type { Backend } from "../backend.ts";
import { compareVersions } from "../version.ts";
import { oneOf } from "./flow.ts";
import type { ServerOptions } from "./options.ts";
import { Query } from "./query.ts";

export interface CallParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** Bytes that came behind the head of a request that asked to upgrade. */
  readonly early: Uint8Array;
  readonly version: string;
  readonly path: string;
  readonly query: string;
  readonly params: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  readonly options: ServerOptions;
  /** The client waits for "100 Continue" before it sends the body. */
  readonly expectsContinue: boolean;
  /** To be told when the connection is taken over: no time limits any more. */
  readonly detached: () => void;
  /** To be told when the answer has no end of its own (events, wait): stopping the server does not wait for it. */
  readonly endless: () => void;
}

export class Call {
  readonly parts: CallParts;
  readonly query: Query;
  #bodyTaken = false;

  constructor(parts: CallParts) {
    this.parts = parts;
    this.query = new Query(parts.query);
  }

  get backend(): Backend {
    return this.parts.options.backend;
  }

  get request(): IncomingMessage {
    return this.parts.request;
  }

  get response(): ServerResponse {
    return this.parts.response;
  }

  get signal(): AbortSignal {
    return this.parts.signal;
  }

  get version(): string {
    return this.parts.version;
  }

  /** True when the client asked for this version of the API or a newer one. */
  atLeast(version: string): boolean {
    return compareVersions(this.parts.version, version) >= 0;
  }

  /** A named part of the path. */
  param(name: string): string {
    return this.parts.params.get(name) ?? "";
  }

  /** First value of a request header; "" when absent. */
  header(name: string): string {
    const value = this.parts.request.headers[name];
    return typeof value === "string" ? value : (value?.[0] ?? "");
  }

  /** True when the head said that no body follows. */
  get bodyless(): boolean {
    const { headers } = this.parts.request;
    const length = headers["content-length"];
    return headers["transfer-encoding"] === undefined && (length === undefined || Number(length) === 0);
  }

  /**
   * The body as it arrives; reading slowly slows the client down. Leaving the loop early does not close the
   * connection, so that an answer can still be given.
   * @throws HoyError "cancelled" when the client goes away before the body is whole.
   */
  async *body(): AsyncGenerator<Uint8Array> {
    if (this.#bodyTaken) throw new HoyError("internal", "the request body was read twice");
    this.#bodyTaken = true;
    if (this.parts.expectsContinue) this.parts.response.writeContinue();
    const { request } = this.parts;
    for (;;) {
      const chunk: unknown = request.read();
      if (chunk instanceof Uint8Array) yield chunk;
      else if (request.readableEnded) return;
      else if (request.destroyed || request.errored) throw gone(request.errored);
      else await oneOf(request, ["readable", "end", "close", "error"]);
    }
  }
}

function gone(cause: unknown): HoyError {
  return new HoyError("cancelled", "the client went away before the request was whole", { cause });
}
