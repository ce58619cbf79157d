// Contents of a client's files on a connection of their own, from one hoy to another on the same machine. A context of many
// megabytes in HTTP/2's frames of 16 KiB costs both sides more than reading, hashing and keeping it; here its bytes come as
// the socket gives them. What is listed and asked for stays on the call that asks (DiffCopy): there the engine offers a
// token, for a transfer that is worth it, and the client that takes the offer connects with it (docs/decisions/direct-files.md).

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { HoyError } from "../../../base/error.ts";
import { chunks } from "../grpc/duplex.ts";
import { DIRECT_TOKEN_HEADER } from "../proto/pieces.ts";
import type { Headers } from "./sessions.ts";

/** Bytes of contents from which on a connection is worth its making. */
export const WORTH_DIRECT = 1024 * 1024;

/** As many chunks at once as have come; whoever has read them may give their memory back. */
export type Bytes = AsyncIterable<readonly Uint8Array[]>;

export interface Offer extends Disposable {
  readonly token: string;
  /** What the client sends (../proto/pieces.ts), once it has connected. Never, where it does not take the offer. */
  readonly taken: Promise<Bytes>;
}

/** The offers that wait to be taken, each once. */
export class DirectFiles {
  readonly #waiting = new Map<string, (socket: Duplex) => void>();

  /** Open until it is disposed of or the signal fires; so is its connection. */
  offer(signal: AbortSignal): Offer {
    const token = randomBytes(24).toString("base64url");
    const { promise, resolve } = Promise.withResolvers<Bytes>();
    let connection: Duplex | undefined;
    const end = () => {
      this.#waiting.delete(token);
      connection?.destroy();
      signal.removeEventListener("abort", end);
    };
    this.#waiting.set(token, (socket) => {
      connection = socket;
      // Told to whoever reads.
      socket.on("error", () => undefined);
      resolve(chunks(socket));
    });
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    return { token, taken: promise, [Symbol.dispose]: end };
  }

  /** @throws HoyError "not-found" for a token that nobody offered, or that was taken. */
  check(headers: Headers): void {
    if (this.#waiting.has(headers.one(DIRECT_TOKEN_HEADER.toLowerCase()))) return;
    throw new HoyError("not-found", "nobody waits for files on this connection");
  }

  take(socket: Duplex, headers: Headers): void {
    const token = headers.one(DIRECT_TOKEN_HEADER.toLowerCase());
    const taken = this.#waiting.get(token);
    this.#waiting.delete(token);
    if (taken === undefined) socket.destroy();
    else taken(socket);
  }
}
