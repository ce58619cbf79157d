// fsutil's DiffCopy, as the one who receives: the other side lists its files, we ask for the contents we lack, it sends
// them, we say that we have all. What comes out is the tree as a tar, in the list's order, written while it comes; files
// that did not change since the last time are read from there instead of being sent.

import { createHash, type Hash, hash as hashOf } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { HoyError } from "../../../base/error.ts";
import { relieved } from "../../../storage/relief.ts";
import { ArchiveWriter } from "../../../storage/tar/archive-writer.ts";
import { type Tell, ToldTar } from "../../../storage/tar/told.ts";
import type { OpenCall } from "../grpc/client.ts";
import type { FileSync } from "../proto/gen/session_pb.ts";
import { PacketWriter } from "../proto/packet-writer.ts";
import { PACKET } from "../proto/packets.ts";
import { Contents } from "./contents.ts";
import { type Offer, WORTH_DIRECT } from "./direct.ts";
import { DirectPieces, Packets, type Pieces, told } from "./incoming.ts";
import { type ListedFile, Listing } from "./listing.ts";

export type DiffCopyCall = Pick<OpenCall<typeof FileSync.method.diffCopy>, "batches" | "sendFramed" | "end">;

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

/**
 * Reads the list. The call is let go of when the tar has been read, or by its signal.
 * @param offer of a connection for contents alone, where the client may take one
 */
export async function receive(call: DiffCopyCall, offer?: () => Offer): Promise<Received> {
  const packets = new Packets(call.batches);
  const listing = new Listing();
  for (;;) {
    const packet = await packets.packet();
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
        const wanted = listing.files.filter((file) => file.size > 0 && !known.has(file));
        const isWorth = wanted.reduce((sum, { size }) => sum + size, 0) >= WORTH_DIRECT;
        using offered = isWorth ? offer?.() : undefined;
        const pieces = offered === undefined ? packets : await offerDirect(call, offered, packets);
        const contents = new Contents(call, pieces, wanted);
        const bytes = archive(listing.files, known, contents, placed, tell);
        for await (const piece of pieces.passing ? bytes : relieved(bytes)) {
          progress(contents.received);
          yield piece;
        }
        await finish();
      }),
  };
}

/** Offers a connection for contents, and gives what they come on: that, or the call where the client does not take it. */
async function offerDirect(call: DiffCopyCall, { token, taken }: Offer, packets: Packets): Promise<Pieces> {
  const writer = new PacketWriter();
  writer.packet(PACKET.direct, 0, Buffer.from(token));
  await call.sendFramed(writer.take());
  const refused = packets.came();
  // What breaks later is met by who reads on.
  refused.catch(() => undefined);
  const bytes = await Promise.race([taken, refused]);
  if (bytes !== undefined) return new DirectPieces(bytes, packets);
  const packet = await packets.packet();
  if (packet.type === PACKET.error) throw told(packet);
  if (packet.type !== PACKET.direct) throw new HoyError("invalid", "the client sent content nobody asked for");
  return packets;
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
