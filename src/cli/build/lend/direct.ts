// Contents of files on a connection of their own, to a hoy engine on this machine that offers one: read straight into what
// is written to the socket, one piece of memory being filled while the other goes out. See src/build/buildkit/session/direct.ts.

import { closeSync, openSync, readSync } from "node:fs";
import type { Hijacked, Transport } from "../../../api/client/transport.ts";
import {
  DIRECT_PROTOCOL,
  DIRECT_TOKEN_HEADER,
  PIECE_HEAD,
  writePieceHead,
} from "../../../build/buildkit/proto/pieces.ts";

/** Connects with the token of an offer; undefined when the engine can't be reached so. */
export type DialDirect = (token: string) => Promise<DirectSender | undefined>;

/** Only to an engine behind a socket of this machine: elsewhere one more connection may be a program or a login more. */
export function directDial(engine: Transport, signal: AbortSignal): DialDirect | undefined {
  if (engine.endpoint.kind !== "unix") return undefined;
  return async (token) => {
    try {
      const headers = { [DIRECT_TOKEN_HEADER]: token };
      return new DirectSender(await engine.hijack("/session", { headers, signal }, DIRECT_PROTOCOL));
    } catch (thrown) {
      signal.throwIfAborted();
      // Something between us and the engine lets no such connection through: the call does.
      if (thrown instanceof Error) return undefined;
      throw thrown;
    }
  };
}

/** Bytes that are written at once, and of files read at once. */
const SIZE = 256 * 1024;
/** What has to be free in it for a file to begin. */
const LEAST = 64 * 1024;

export class DirectSender {
  readonly #connection: Hijacked;
  #filling = Buffer.allocUnsafe(SIZE);
  #other = Buffer.allocUnsafe(SIZE);
  #at = 0;
  /** The other one, on its way out. */
  #writing: Promise<void> | undefined;

  constructor(connection: Hijacked) {
    this.#connection = connection;
  }

  /** Takes a file; the promise is to be awaited before the next. Small files fit many at once: no promise for each. */
  put(id: number, path: string): Promise<void> | undefined {
    const file = openSync(path, "r");
    let more: Promise<void> | undefined;
    try {
      if (this.#at + PIECE_HEAD + LEAST <= SIZE && this.#read(id, file)) return undefined;
      more = this.#rest(id, file);
      return more;
    } finally {
      if (more === undefined) closeSync(file);
    }
  }

  async flush(): Promise<void> {
    if (this.#at > 0) await this.#send();
    await this.#writing;
  }

  close(): void {
    this.#connection.close();
  }

  async #rest(id: number, file: number): Promise<void> {
    try {
      do await this.#send();
      while (!this.#read(id, file));
    } finally {
      closeSync(file);
    }
  }

  /** As much of the file as there is room for. @returns whether that was the end of it */
  #read(id: number, file: number): boolean {
    const start = this.#at + PIECE_HEAD;
    const room = SIZE - start;
    const length = readSync(file, this.#filling, start, room, null);
    // A file gives less than what was asked for only at its end.
    const last = length < room;
    writePieceHead(this.#filling, this.#at, id, length, last);
    this.#at = start + length;
    return last;
  }

  /** Begins to write what is filled, once the other is out. */
  async #send(): Promise<void> {
    await this.#writing;
    const full = this.#filling;
    this.#filling = this.#other;
    this.#other = full;
    this.#writing = this.#connection.write(full.subarray(0, this.#at));
    this.#at = 0;
    // Thrown where it is awaited.
    this.#writing.catch(() => undefined);
  }
}
