// What the client of a DiffCopy sends: its packets, one by one, and the pieces of its files' contents, which come among
// them or on a connection of their own (direct.ts).

import { HoyError } from "../../../base/error.ts";
import { letGo, mayGo } from "../../../base/passing.ts";
import { CODE, GrpcError } from "../grpc/status.ts";
import { PACKET, readPacket, type WirePacket } from "../proto/packets.ts";
import { type Piece, PieceReader } from "../proto/pieces.ts";
import type { Bytes } from "./direct.ts";

type Batch = readonly Uint8Array[];

/** Contents of files, as they come. */
export interface Pieces {
  /** What a piece views is gone when the next is waited for. */
  readonly passing: boolean;
  /** undefined: it has not come yet. */
  next(): Piece | undefined;
  /** @throws HoyError or GrpcError when no more comes. */
  wait(): Promise<Piece>;
}

/** What comes on the call. */
export class Packets implements Pieces {
  readonly passing = false;
  readonly #messages: Messages;

  constructor(batches: AsyncIterable<Batch>) {
    this.#messages = new Messages(batches);
  }

  async packet(): Promise<WirePacket> {
    const message = this.#messages.next() ?? (await this.#waited());
    return readPacket(message);
  }

  next(): Piece | undefined {
    const message = this.#messages.next();
    return message === undefined ? undefined : pieceOf(readPacket(message));
  }

  async wait(): Promise<Piece> {
    return pieceOf(readPacket(await this.#waited()));
  }

  /** Resolves when a packet has come, or nothing more will. */
  async came(): Promise<void> {
    await this.#messages.more();
  }

  async end(): Promise<void> {
    await this.#messages.end();
  }

  async #waited(): Promise<Uint8Array> {
    await this.#messages.more();
    const message = this.#messages.next();
    if (message === undefined) throw new HoyError("cancelled", "the client stopped sending its files");
    return message;
  }
}

/** What comes on a connection of its own, beside the call. */
export class DirectPieces implements Pieces {
  readonly passing = true;
  readonly #chunks: AsyncIterator<Batch>;
  readonly #packets: Packets;
  readonly #reader = new PieceReader();
  #batch: Batch = [];
  /** Which of them the pieces are of. */
  #chunk = 0;
  #pieces: readonly Piece[] = [];
  #at = 0;

  constructor(bytes: Bytes, packets: Packets) {
    this.#chunks = bytes[Symbol.asyncIterator]();
    this.#packets = packets;
  }

  next(): Piece | undefined {
    const piece = this.#pieces[this.#at];
    if (piece !== undefined) this.#at += 1;
    return piece;
  }

  async wait(): Promise<Piece> {
    for (;;) {
      const piece = this.next();
      if (piece !== undefined) return piece;
      // Why it ends before its time is said on the call.
      if (!(await this.#more())) return this.#packets.wait();
    }
  }

  /** Goes on to the next chunk; the memory of the last is given back. */
  async #more(): Promise<boolean> {
    const read = this.#batch[this.#chunk];
    if (read !== undefined && read.byteOffset === 0) {
      mayGo(read);
      letGo(read);
    }
    this.#chunk += 1;
    if (this.#chunk >= this.#batch.length) {
      const next = await this.#chunks.next().catch(unlessCut);
      if (next === undefined || next.done === true) return false;
      this.#batch = next.value;
      this.#chunk = 0;
    }
    this.#pieces = this.#reader.read(this.#batch[this.#chunk] ?? NOTHING);
    this.#at = 0;
    return true;
  }
}

const NOTHING = new Uint8Array(0);

function unlessCut(thrown: unknown): undefined {
  if (!(thrown instanceof GrpcError) || thrown.code !== CODE.cancelled) throw thrown;
}

/** Messages one by one, without waiting where many came at once. */
class Messages {
  readonly #batches: AsyncIterator<Batch>;
  #batch: Batch = [];
  #at = 0;
  #coming: Promise<boolean> | undefined;
  /** Told to everybody who waits, also later. */
  #failure: { readonly thrown: unknown } | undefined;

  constructor(batches: AsyncIterable<Batch>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  next(): Uint8Array | undefined {
    const message = this.#batch[this.#at];
    if (message !== undefined) this.#at += 1;
    return message;
  }

  /** Until there is a next one; false: there is none any more. Several may wait. */
  async more(): Promise<boolean> {
    while (this.#at >= this.#batch.length) {
      this.#coming ??= this.#fetch();
      if (!(await this.#coming)) return false;
    }
    return true;
  }

  /** Drops whatever still comes. */
  async end(): Promise<void> {
    while (await this.more()) this.#at = this.#batch.length;
  }

  async #fetch(): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure.thrown;
    try {
      const { done, value } = await this.#batches.next();
      if (done === true) return false;
      this.#batch = value;
      this.#at = 0;
      return true;
    } catch (thrown) {
      this.#failure = { thrown };
      throw thrown;
    } finally {
      this.#coming = undefined;
    }
  }
}

/** An error that the other side had while it read its files. */
export function told(packet: WirePacket): HoyError {
  return new HoyError("invalid", `error from sender: ${Buffer.from(packet.data).toString().slice(0, 1000)}`);
}

function pieceOf(packet: WirePacket): Piece {
  const { type, id, data } = packet;
  if (type === PACKET.error) throw told(packet);
  if (type !== PACKET.data) throw new HoyError("invalid", "the client sent what nobody asked for");
  return { id, data, last: data.length === 0 };
}
