// Contents of the client's files in the list's order, with some asked for ahead; the other side sends them in any order it
// likes.

import { createHash, type Hash, hash as hashOf } from "node:crypto";
import { HoyError } from "../../../base/error.ts";
import type { ArchiveWriter } from "../../../storage/tar/archive-writer.ts";
import { rawToText } from "../../../storage/tar/entry.ts";
import { PacketWriter } from "../proto/packet-writer.ts";
import { PACKET } from "../proto/packets.ts";
import type { Piece } from "../proto/pieces.ts";
import type { Pieces } from "./incoming.ts";
import type { ListedFile } from "./listing.ts";
import type { DiffCopyCall } from "./receive.ts";

/** What is asked for ahead, so that the other side never waits for us: bytes and files. */
const AHEAD_BYTES = 8 * 1024 * 1024;
const AHEAD_FILES = 2048;

interface Asked {
  readonly file: ListedFile;
  readonly chunks: Uint8Array[];
  /** Of what was given on, where the file does not come in one piece. */
  hash: Hash | undefined;
  length: number;
  given: number;
  ended: boolean;
}

export class Contents {
  readonly #call: Pick<DiffCopyCall, "sendFramed">;
  readonly #pieces: Pieces;
  readonly #wanted: readonly ListedFile[];
  readonly #asked = new Map<number, Asked>();
  readonly #requests = new PacketWriter();
  #next = 0;
  #ahead = 0;
  /** Bytes of all files. */
  received = 0;

  /** @param wanted of the list, in its order */
  constructor(call: Pick<DiffCopyCall, "sendFramed">, pieces: Pieces, wanted: readonly ListedFile[]) {
    this.#call = call;
    this.#pieces = pieces;
    this.#wanted = wanted;
  }

  /** Gives on what has come of a file; its digest when that was all of it. */
  take(file: ListedFile, out: ArchiveWriter): string | undefined {
    const asked = this.#asked.get(file.id);
    if (asked === undefined) return undefined;
    while (!asked.ended) {
      const piece = this.#pieces.next();
      if (piece === undefined) break;
      this.#put(piece, asked);
    }
    const chunks = asked.chunks.splice(0);
    const [only] = chunks;
    const isWhole = asked.ended && chunks.length === 1 && asked.given === 0;
    for (const chunk of chunks) {
      asked.given += chunk.length;
      out.data(chunk);
      if (isWhole) continue;
      asked.hash ??= createHash("sha256");
      asked.hash.update(chunk);
    }
    if (!asked.ended) return undefined;
    this.#asked.delete(file.id);
    this.#ahead -= file.size;
    if (asked.given !== file.size) throw changed(file);
    return asked.hash?.digest("hex") ?? hashOf("sha256", only ?? "", "hex");
  }

  /** A file of which not all has come. */
  async *rest(file: ListedFile, out: ArchiveWriter): AsyncGenerator<Uint8Array, string, void> {
    for (;;) {
      const digest = this.take(file, out);
      if (digest !== undefined) return digest;
      if (out.isFull) yield out.take();
      this.#put(await this.#pieces.wait(), this.#asked.get(file.id));
    }
  }

  /** Whether it is time to ask for more: it was not asked for, or less than half of the room is in use. */
  isLow(file: ListedFile): boolean {
    if (this.#next >= this.#wanted.length) return false;
    return this.#isRoomy() || !this.#asked.has(file.id);
  }

  #isRoomy(): boolean {
    return this.#asked.size < AHEAD_FILES / 2 && this.#ahead < AHEAD_BYTES / 2;
  }

  /** Asks for `file`, and for as many that come next as there is room for. */
  async askAhead(file: ListedFile): Promise<void> {
    const isRoomy = this.#isRoomy();
    for (let next = this.#wanted[this.#next]; next !== undefined; next = this.#wanted[this.#next]) {
      const needed = next.id <= file.id;
      const room = isRoomy && this.#asked.size < AHEAD_FILES && this.#ahead + next.size <= AHEAD_BYTES;
      if (!needed && !room) break;
      this.#next += 1;
      this.#ahead += next.size;
      this.#asked.set(next.id, { file: next, chunks: [], hash: undefined, length: 0, given: 0, ended: false });
      this.#requests.packet(PACKET.request, next.id);
    }
    if (this.#requests.length > 0) await this.#call.sendFramed(this.#requests.take());
  }

  /** @param wanted which is given on next */
  #put({ id, data, last }: Piece, wanted: Asked | undefined): void {
    const asked = this.#asked.get(id);
    if (asked === undefined || asked.ended) throw new HoyError("invalid", `invalid file request ${id}`);
    asked.length += data.length;
    if (asked.length > asked.file.size) throw changed(asked.file);
    const passes = asked !== wanted && this.#pieces.passing;
    if (data.length > 0) asked.chunks.push(passes ? Uint8Array.from(data) : data);
    this.received += data.length;
    asked.ended = last;
  }
}

function changed({ path }: ListedFile): HoyError {
  return new HoyError("conflict", `${rawToText(path)} changed while it was being sent`);
}
