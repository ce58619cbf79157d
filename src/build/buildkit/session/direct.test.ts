// Contents on a connection of their own: offered, taken, refused, cut, and by those to whom nobody offered anything.

import { expect, test } from "bun:test";
import { Duplex } from "node:stream";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { readAll, readTar } from "../../../storage/tar/reader.ts";
import { Unframer } from "../grpc/frames.ts";
import { CODE, GrpcError } from "../grpc/status.ts";
import { Packet_PacketType as Kind, PacketSchema } from "../proto/gen/fsutil_pb.ts";
import { PACKET } from "../proto/packets.ts";
import { DIRECT_TOKEN_HEADER, PIECE_HEAD, writePieceHead } from "../proto/pieces.ts";
import { DirectFiles } from "./direct.ts";
import { type DiffCopyCall, type Known, receive } from "./receive.ts";
import { headersOf } from "./sessions.ts";

const never = new AbortController().signal;
const NOTHING: Known = { has: () => false, content: () => Buffer.alloc(0) };
const SIZE = 700_000;
const NAMES = ["a", "b", "c"];

/** A client with three files of more than a megabyte together; what it does with an offer and a request is the test's. */
class Client {
  readonly #queue: Uint8Array[] = [];
  #ended: GrpcError | "well" | undefined;
  #wake: () => void = () => undefined;

  constructor(heard: (client: Client, packet: { type: number; id: number; data: Uint8Array }) => void) {
    for (const path of NAMES) this.say({ type: Kind.PACKET_STAT, stat: { path, mode: 0o644, size: BigInt(SIZE) } });
    this.say({ type: Kind.PACKET_STAT });
    this.call = {
      sendFramed: async (bytes) => {
        const unframer = new Unframer();
        unframer.push(bytes);
        for (let one = unframer.next(); one !== undefined; one = unframer.next()) {
          const { type, id, data } = fromBinary(PacketSchema, one);
          if (type === Kind.PACKET_FIN) this.end("well");
          else heard(this, { type, id, data });
        }
      },
      end: () => undefined,
      batches: this.#batches(),
    };
  }

  readonly call: DiffCopyCall;

  say(packet: MessageInitShape<typeof PacketSchema>): void {
    this.#queue.push(toBinary(PacketSchema, create(PacketSchema, packet)));
    this.#wake();
  }

  end(how: GrpcError | "well"): void {
    this.#ended = how;
    this.#wake();
  }

  async *#batches(): AsyncGenerator<readonly Uint8Array[], void, void> {
    for (;;) {
      if (this.#queue.length > 0) yield this.#queue.splice(0);
      else if (this.#ended instanceof GrpcError) throw this.#ended;
      else if (this.#ended === "well") return;
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}

function bytesOf(id: number): Buffer {
  return Buffer.alloc(SIZE, NAMES[id] ?? "?");
}

function piece(id: number, data: Uint8Array, last: boolean): Buffer {
  const bytes = Buffer.alloc(PIECE_HEAD + data.length);
  writePieceHead(bytes, 0, id, data.length, last);
  bytes.set(data, PIECE_HEAD);
  return bytes;
}

/** The engine's end of a connection; what the client sends is pushed. */
function connection(): Duplex {
  return new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
}

function tokenHeaders(token: string) {
  return headersOf([DIRECT_TOKEN_HEADER, token]);
}

async function received(client: Client, directs: DirectFiles): Promise<Record<string, string>> {
  const { tar } = await receive(client.call, () => directs.offer(never));
  const found: Record<string, string> = {};
  for await (const item of readTar(tar(NOTHING, () => undefined))) {
    const data = await readAll(item, 10_000_000);
    found[item.entry.name] = `${data.length} ${new Set(data).size === 1 ? String.fromCharCode(data[0] ?? 0) : "mixed"}`;
  }
  return found;
}

const ALL = { a: `${SIZE} a`, b: `${SIZE} b`, c: `${SIZE} c` };

test("an offer that is taken: all comes on the connection, in any order and any pieces", async () => {
  const directs = new DirectFiles();
  const socket = connection();
  const asked: number[] = [];
  const client = new Client((_, { type, id, data }) => {
    if (type === PACKET.direct) {
      const headers = tokenHeaders(Buffer.from(data).toString());
      directs.check(headers);
      directs.take(socket, headers);
      // Taken once: nobody else may come with it.
      expect(() => directs.check(headers)).toThrow("nobody waits");
      return;
    }
    asked.push(id);
    if (asked.length < NAMES.length) return;
    const half = Math.floor(SIZE / 2);
    const all = Buffer.concat(
      [...asked].reverse().flatMap((each) => {
        const bytes = bytesOf(each);
        return [piece(each, bytes.subarray(0, half), false), piece(each, bytes.subarray(half), true)];
      }),
    );
    // Each in memory of its own, as sockets give them: it is given back.
    for (let at = 0; at < all.length; at += 99_991)
      socket.push(Buffer.from(Uint8Array.from(all.subarray(at, at + 99_991)).buffer));
  });
  expect(await received(client, directs)).toEqual(ALL);
  expect(socket.destroyed).toBe(true);
});

test("an offer that is not taken: all comes on the call", async () => {
  const client = new Client((self, { type, id }) => {
    if (type === PACKET.direct) {
      self.say({ type: PACKET.direct as Kind });
      return;
    }
    self.say({ type: Kind.PACKET_DATA, id, data: bytesOf(id) });
    self.say({ type: Kind.PACKET_DATA, id });
  });
  expect(await received(client, new DirectFiles())).toEqual(ALL);
});

test("a connection that is cut: the error is what the call says", async () => {
  const directs = new DirectFiles();
  const socket = connection();
  const client = new Client((self, { type, id, data }) => {
    if (type === PACKET.direct) {
      directs.take(socket, tokenHeaders(Buffer.from(data).toString()));
      return;
    }
    if (id > 0) return;
    socket.push(piece(id, bytesOf(id).subarray(0, 1000), false));
    socket.destroy();
    self.end(new GrpcError(CODE.unknown, "EACCES: permission denied, open 'a'"));
  });
  await expect(received(client, directs)).rejects.toThrow("permission denied, open 'a'");
});

test("what comes without being asked for, or is more than was listed, ends the transfer", async () => {
  const failure = async (bytes: (id: number) => Buffer) => {
    const directs = new DirectFiles();
    const socket = connection();
    const client = new Client((_, { type, id, data }) => {
      if (type === PACKET.direct) directs.take(socket, tokenHeaders(Buffer.from(data).toString()));
      else if (id === 0) socket.push(bytes(id));
    });
    return String(await received(client, directs).catch((thrown: unknown) => thrown));
  };
  expect(await failure(() => piece(77, Buffer.from("x"), true))).toContain("invalid file request 77");
  expect(await failure((id) => piece(id, Buffer.alloc(SIZE + 1), true))).toContain("a changed while it was being sent");
  expect(await failure((id) => piece(id, Buffer.alloc(1), true))).toContain("a changed while it was being sent");
});

test("a token that nobody offered, or whose offer is over, opens nothing", () => {
  const directs = new DirectFiles();
  expect(() => directs.check(tokenHeaders("guessed"))).toThrow("nobody waits for files");
  expect(() => directs.check(headersOf([]))).toThrow("nobody waits for files");
  const offer = directs.offer(never);
  expect(offer.token).toHaveLength(32);
  offer[Symbol.dispose]();
  expect(() => directs.check(tokenHeaders(offer.token))).toThrow("nobody waits for files");
  const socket = connection();
  directs.take(socket, tokenHeaders(offer.token));
  expect(socket.destroyed).toBe(true);
});
