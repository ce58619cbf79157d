// fsutil's DiffCopy, as the one who receives: the other side lists its files, we ask for the contents we lack, it sends
// them, we say that we have all. What comes out is the tree as a tar, in the list's order, written while it comes; files
// that did not change since the last time are read from there instead of being sent.

import { HoyError } from "../../../base/error.ts";
import type { RawText } from "../../../storage/tar/entry.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter } from "../../../storage/tar/writer.ts";
import { gathered } from "../../../storage/tree/tar-stream.ts";
import type { OpenCall } from "../grpc/client.ts";
import { Packet_PacketType as Kind, type Packet } from "../proto/gen/fsutil_pb.ts";
import type { FileSync } from "../proto/gen/session_pb.ts";
import { type ListedFile, Listing } from "./listing.ts";

export type DiffCopyCall = OpenCall<typeof FileSync.method.diffCopy>;

/** What is asked for ahead, so that the other side never waits for us: bytes and files. */
const AHEAD_BYTES = 8 * 1024 * 1024;
const AHEAD_FILES = 512;

/** What was received before, so that it is not sent again. */
export interface Known {
  /** Content of a file that is as it was; undefined: it has to be sent. */
  content(file: ListedFile): AsyncIterable<Uint8Array> | undefined;
}

export interface Received {
  readonly files: readonly ListedFile[];
  /** To be read once, to its end. @throws HoyError when a file changes while it is being sent. */
  tar(known: Known, progress: (bytes: number) => void): AsyncIterable<Uint8Array>;
  /** Nothing of it is wanted: all is here already. */
  finish(): Promise<void>;
}

/** Reads the list. The call is let go of when the tar has been read, or by its signal. */
export async function receive(call: DiffCopyCall): Promise<Received> {
  const packets = call.answers[Symbol.asyncIterator]();
  const listing = new Listing();
  for (;;) {
    const packet = await nextPacket(packets);
    if (packet.type === Kind.PACKET_ERR) throw told(packet);
    if (packet.type !== Kind.PACKET_STAT) throw new HoyError("invalid", "the client sent content nobody asked for");
    if (packet.stat === undefined) break;
    listing.add(packet.stat);
  }
  const finish = async () => {
    await call.send({ type: Kind.PACKET_FIN });
    call.end();
    // It says that it has finished too, and then closes.
    while ((await packets.next()).done !== true);
  };
  return {
    files: listing.files,
    finish,
    async *tar(known, progress) {
      const contents = new Contents(call, packets, listing.files, known, progress);
      yield* gathered(archive(listing.files, contents));
      await finish();
    },
  };
}

async function nextPacket(packets: AsyncIterator<Packet>): Promise<Packet> {
  const next = await packets.next();
  if (next.done === true) throw new HoyError("cancelled", "the client stopped sending its files");
  return next.value;
}

/** An error that the other side had while it read its files. */
function told(packet: Packet): HoyError {
  return new HoyError("invalid", `error from sender: ${Buffer.from(packet.data).toString().slice(0, 1000)}`);
}

async function* archive(files: readonly ListedFile[], contents: Contents): AsyncGenerator<Uint8Array, void, void> {
  for (const file of files) {
    yield formatHeader({ ...file, name: file.path });
    if (file.size === 0) continue;
    yield* contents.of(file);
    yield paddingAfter(file.size);
  }
  yield END_OF_ARCHIVE;
}

interface Asked {
  readonly file: ListedFile;
  readonly chunks: Uint8Array[];
  length: number;
  ended: boolean;
}

/** Contents in the list's order, with some asked for ahead; the other side sends them in any order it likes. */
class Contents {
  readonly #call: DiffCopyCall;
  readonly #packets: AsyncIterator<Packet>;
  readonly #progress: (bytes: number) => void;
  readonly #known = new Map<RawText, AsyncIterable<Uint8Array>>();
  readonly #wanted: readonly ListedFile[];
  readonly #asked = new Map<number, Asked>();
  #next = 0;
  #ahead = 0;
  #received = 0;

  constructor(
    call: DiffCopyCall,
    packets: AsyncIterator<Packet>,
    files: readonly ListedFile[],
    known: Known,
    progress: (bytes: number) => void,
  ) {
    this.#call = call;
    this.#packets = packets;
    this.#progress = progress;
    this.#wanted = files.filter((file) => {
      if (file.size === 0) return false;
      const content = known.content(file);
      if (content !== undefined) this.#known.set(file.path, content);
      return content === undefined;
    });
  }

  async *of(file: ListedFile): AsyncGenerator<Uint8Array, void, void> {
    const content = this.#known.get(file.path);
    if (content !== undefined) {
      yield* content;
      return;
    }
    await this.#askAhead(file);
    const asked = this.#asked.get(file.id);
    if (asked === undefined) throw new Error(`${file.path} was not asked for`);
    let given = 0;
    for (;;) {
      for (const chunk of asked.chunks.splice(0)) {
        given += chunk.length;
        yield chunk;
      }
      if (asked.ended) break;
      await this.#take();
    }
    this.#asked.delete(file.id);
    this.#ahead -= file.size;
    if (given !== file.size) throw changed(file);
  }

  /** Asks for `file`, and, when less than half of the room is in use, for as many that come next as there is room for. */
  async #askAhead(file: ListedFile): Promise<void> {
    const isRoomy = this.#asked.size < AHEAD_FILES / 2 && this.#ahead < AHEAD_BYTES / 2;
    const asking: number[] = [];
    for (let next = this.#wanted[this.#next]; next !== undefined; next = this.#wanted[this.#next]) {
      const needed = next.id <= file.id;
      const room = isRoomy && this.#asked.size < AHEAD_FILES && this.#ahead + next.size <= AHEAD_BYTES;
      if (!needed && !room) break;
      this.#next += 1;
      this.#ahead += next.size;
      this.#asked.set(next.id, { file: next, chunks: [], length: 0, ended: false });
      asking.push(next.id);
    }
    if (asking.length > 0) await this.#call.send(...asking.map((id) => ({ type: Kind.PACKET_REQ, id })));
  }

  async #take(): Promise<void> {
    const packet = await nextPacket(this.#packets);
    if (packet.type === Kind.PACKET_ERR) throw told(packet);
    if (packet.type !== Kind.PACKET_DATA) throw new HoyError("invalid", "the client sent what nobody asked for");
    const asked = this.#asked.get(packet.id);
    if (asked === undefined || asked.ended) throw new HoyError("invalid", `invalid file request ${packet.id}`);
    if (packet.data.length === 0) {
      asked.ended = true;
      return;
    }
    asked.length += packet.data.length;
    if (asked.length > asked.file.size) throw changed(asked.file);
    asked.chunks.push(packet.data);
    this.#received += packet.data.length;
    this.#progress(this.#received);
  }
}

function changed({ path }: ListedFile): HoyError {
  const name = Buffer.from(path, "latin1").toString();
  return new HoyError("conflict", `${name} changed while it was being sent`);
}
