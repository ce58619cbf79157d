// What comes on a direct connection (../session/direct.ts): pieces of files' contents. Eight bytes say which file it is of,
// how many bytes follow, and whether the file ends with them; then come the bytes. Read as they arrive: a piece that lies
// over two chunks is two pieces, so nothing is put together.

import { HoyError } from "../../../base/error.ts";

/** What POST /session is upgraded to. */
export const DIRECT_PROTOCOL = "hoy-files";
/** Of the request that opens a session: this client takes offers of such a connection. */
export const DIRECT_HEADER = "X-Hoy-Files";
/** Of the request that takes one. */
export const DIRECT_TOKEN_HEADER = "X-Hoy-Files-Token";

export interface Piece {
  /** By which it was asked for: the file's place in the list. */
  readonly id: number;
  /** A view into what came. */
  readonly data: Uint8Array;
  readonly last: boolean;
}

/** Bytes before a piece's data. */
export const PIECE_HEAD = 8;
const MAX_LENGTH = 16 * 1024 * 1024;

/** Writes what stands before `length` bytes of data, PIECE_HEAD bytes of it. */
export function writePieceHead(into: Buffer, at: number, id: number, length: number, last: boolean): void {
  into.writeUInt32BE(id, at);
  into.writeUInt32BE(length * 2 + (last ? 1 : 0), at + 4);
}

export class PieceReader {
  readonly #head = Buffer.alloc(PIECE_HEAD);
  /** Bytes of the head that have come. */
  #have = 0;
  #id = 0;
  /** Bytes of data that are still to come. */
  #left = 0;
  #last = false;

  /** @throws HoyError "invalid" for what nobody would send. */
  read(chunk: Uint8Array): Piece[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const found: Piece[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (this.#have < PIECE_HEAD) at = this.#readHead(bytes, at);
      if (this.#have < PIECE_HEAD) break;
      const end = Math.min(at + this.#left, bytes.length);
      this.#left -= end - at;
      const isWhole = this.#left === 0;
      found.push({ id: this.#id, data: bytes.subarray(at, end), last: isWhole && this.#last });
      at = end;
      if (isWhole) this.#have = 0;
    }
    return found;
  }

  /** @returns where what follows it begins */
  #readHead(bytes: Buffer, at: number): number {
    let word: number;
    let end: number;
    if (this.#have === 0 && at + PIECE_HEAD <= bytes.length) {
      this.#id = bytes.readUInt32BE(at);
      word = bytes.readUInt32BE(at + 4);
      end = at + PIECE_HEAD;
    } else {
      end = Math.min(at + PIECE_HEAD - this.#have, bytes.length);
      this.#head.set(bytes.subarray(at, end), this.#have);
      this.#have += end - at;
      if (this.#have < PIECE_HEAD) return end;
      this.#id = this.#head.readUInt32BE(0);
      word = this.#head.readUInt32BE(4);
    }
    this.#have = PIECE_HEAD;
    this.#left = Math.floor(word / 2);
    this.#last = word % 2 === 1;
    if (this.#left > MAX_LENGTH) throw new HoyError("invalid", "the client sent a piece of a file that is too large");
    return end;
  }
}
