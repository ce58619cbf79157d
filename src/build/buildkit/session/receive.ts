// fsutil's DiffCopy, as the one who receives: the other side lists its files, we ask for the contents we lack, it sends
// them, we say that we have all. What comes out is the tree as a tar, in the list's order, written while it comes; files
// that did not change since the last time are read from there instead of being sent.

import { createHash, type Hash, hash as hashOf } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { HoyError } from "../../../base/error.ts";
import { ArchiveWriter } from "../../../storage/tar/archive-writer.ts";
import { rawToText } from "../../../storage/tar/entry.ts";
import { type Tell, ToldTar } from "../../../storage/tar/told.ts";
import type { OpenCall } from "../grpc/client.ts";
import type { FileSync } from "../proto/gen/session_pb.ts";
import { PacketWriter } from "../proto/packet-writer.ts";
import { PACKET, readPacket, type WirePacket } from "../proto/packets.ts";
import { type ListedFile, Listing } from "./listing.ts";

export type DiffCopyCall = Pick<OpenCall<typeof FileSync.method.diffCopy>, "batches" | "sendFramed" | "end">;

/** What is asked for ahead, so that the other side never waits for us: bytes and files. */
const AHEAD_BYTES = 8 * 1024 * 1024;
const AHEAD_FILES = 2048;

/** What was received before, so that it is not sent again. */
export interface Known {
  has(file: ListedFile): boolean;
  /** Content of a file that is known. A small one at once: a promise for each of many costs more than its bytes. */
  content(file: ListedFile): Uint8Array | AsyncIterable<Uint8Array>;
}

/** Where a file's data is in the tar, and its SHA-256 in hexadecimal. */
export type Placed = (file: ListedFile, offset: number, digest: string) => void;

export interface Received {
  readonly files: readonly ListedFile[];
  /**
   * To be read once, to its end. `placed` is told of each file that is not empty.
   * @throws HoyError when a file changes while it is being sent.
   */
  tar(known: Known, progress: (bytes: number) => void, placed?: Placed): ToldTar;
  /** Nothing of it is wanted: all is here already. */
  finish(): Promise<void>;
}

/** Reads the list. The call is let go of when the tar has been read, or by its signal. */
export async function receive(call: DiffCopyCall): Promise<Received> {
  const packets = new Packets(call);
  const listing = new Listing();
  for (;;) {
    const packet = packets.next() ?? (await packets.wait());
    if (packet.type === PACKET.error) throw told(packet);
    if (packet.type !== PACKET.stat) throw new HoyError("invalid", "the client sent content nobody asked for");
    if (packet.stat === undefined) break;
    listing.add(packet.stat);
  }
  const finish = async () => {
    const writer = new PacketWriter();
    writer.packet(PACKET.fin, 0);
    await call.sendFramed(writer.take());
    call.end();
    // It says that it has finished too, and then closes.
    await packets.end();
  };
  return {
    files: listing.files,
    finish,
    tar: (known, progress, placed = () => undefined) =>
      new ToldTar(async function* (tell) {
        const contents = new Contents(call, packets, listing.files, known);
        for await (const piece of archive(listing.files, known, contents, placed, tell)) {
          progress(contents.received);
          yield piece;
        }
        await finish();
      }),
  };
}

/** What comes, one by one, without waiting where many came at once. */
class Packets {
  readonly #batches: AsyncIterator<readonly Uint8Array[]>;
  #batch: readonly Uint8Array[] = [];
  #at = 0;

  constructor(call: DiffCopyCall) {
    this.#batches = call.batches[Symbol.asyncIterator]();
  }

  /** undefined: it has not come yet. */
  next(): WirePacket | undefined {
    const message = this.#batch[this.#at];
    if (message === undefined) return undefined;
    this.#at += 1;
    return readPacket(message);
  }

  async wait(): Promise<WirePacket> {
    for (;;) {
      const packet = this.next();
      if (packet !== undefined) return packet;
      const next = await this.#batches.next();
      if (next.done === true) throw new HoyError("cancelled", "the client stopped sending its files");
      this.#batch = next.value;
      this.#at = 0;
    }
  }

  async end(): Promise<void> {
    while ((await this.#batches.next()).done !== true);
  }
}

/** An error that the other side had while it read its files. */
function told(packet: WirePacket): HoyError {
  return new HoyError("invalid", `error from sender: ${Buffer.from(packet.data).toString().slice(0, 1000)}`);
}

async function* archive(
  files: readonly ListedFile[],
  known: Known,
  contents: Contents,
  placed: Placed,
  tell: Tell,
): AsyncGenerator<Uint8Array, void, void> {
  const out = new ArchiveWriter(tell);
  for (const file of files) {
    const { path: name, type, linkname, mode, uid, gid, size, mtime, device, xattrs } = file;
    // Not by spreading: this is done for each of many files.
    out.header({ name, type, linkname, mode, uid, gid, size, mtime, device, xattrs });
    if (size > 0) {
      const { position } = out;
      let digest: string | undefined;
      if (known.has(file)) {
        const content = known.content(file);
        if (content instanceof Uint8Array) {
          out.data(content);
          digest = hashOf("sha256", content, "hex");
        } else {
          const hash = createHash("sha256");
          yield* out.through(hashed(content, hash));
          digest = hash.digest("hex");
        }
      } else {
        if (contents.isLow(file)) await contents.askAhead(file);
        digest = contents.take(file, out) ?? (yield* contents.rest(file, out));
      }
      placed(file, position, digest);
      out.padding(size);
    }
    if (!out.isFull) continue;
    yield out.take();
    // A reader that is always ready would keep all other work waiting for the whole tree.
    await setImmediate();
  }
  yield out.end();
}

async function* hashed(pieces: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

interface Asked {
  readonly file: ListedFile;
  readonly chunks: Uint8Array[];
  /** Of what was given on, where the file does not come in one piece. */
  hash: Hash | undefined;
  length: number;
  given: number;
  ended: boolean;
}

/** Contents in the list's order, with some asked for ahead; the other side sends them in any order it likes. */
class Contents {
  readonly #call: DiffCopyCall;
  readonly #packets: Packets;
  readonly #wanted: readonly ListedFile[];
  readonly #asked = new Map<number, Asked>();
  readonly #requests = new PacketWriter();
  #next = 0;
  #ahead = 0;
  /** Bytes of all files. */
  received = 0;

  constructor(call: DiffCopyCall, packets: Packets, files: readonly ListedFile[], known: Known) {
    this.#call = call;
    this.#packets = packets;
    this.#wanted = files.filter((file) => file.size > 0 && !known.has(file));
  }

  /** Gives on what has come of a file; its digest when that was all of it. */
  take(file: ListedFile, out: ArchiveWriter): string | undefined {
    const asked = this.#asked.get(file.id);
    if (asked === undefined) return undefined;
    while (!asked.ended) {
      const packet = this.#packets.next();
      if (packet === undefined) break;
      this.#put(packet);
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
      this.#put(await this.#packets.wait());
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

  #put(packet: WirePacket): void {
    if (packet.type === PACKET.error) throw told(packet);
    if (packet.type !== PACKET.data) throw new HoyError("invalid", "the client sent what nobody asked for");
    const asked = this.#asked.get(packet.id);
    if (asked === undefined || asked.ended) throw new HoyError("invalid", `invalid file request ${packet.id}`);
    if (packet.data.length === 0) {
      asked.ended = true;
      return;
    }
    asked.length += packet.data.length;
    if (asked.length > asked.file.size) throw changed(asked.file);
    asked.chunks.push(packet.data);
    this.received += packet.data.length;
  }
}

function changed({ path }: ListedFile): HoyError {
  return new HoyError("conflict", `${rawToText(path)} changed while it was being sent`);
}
