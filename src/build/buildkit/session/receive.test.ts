// DiffCopy against a sender made here: what comes out as a tar, what is asked for, and what a hostile sender meets.

import { expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { readAll, readTar } from "../../../storage/tar/reader.ts";
import { Unframer } from "../grpc/frames.ts";
import { Packet_PacketType as Kind, type Packet, PacketSchema } from "../proto/gen/fsutil_pb.ts";
import { goMode, permissionsOf, typeOf } from "./go-mode.ts";
import { type DiffCopyCall, type Known, receive } from "./receive.ts";

type Init = MessageInitShape<typeof PacketSchema>;

interface File {
  readonly path: string;
  readonly mode?: number;
  readonly data?: string;
  readonly linkname?: string;
}

const DIR = goMode("dir", 0o755);
const NOTHING: Known = { has: () => false, content: () => Buffer.alloc(0) };

/** A sender that follows the protocol; `answer` may do otherwise. */
class Sender {
  readonly asked: number[] = [];
  finished = false;
  readonly #queue: Packet[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  constructor(files: readonly File[], answer?: (id: number) => readonly Init[]) {
    for (const { path, mode = 0o644, data = "", linkname = "" } of files) {
      const size = BigInt(Buffer.byteLength(data));
      this.say({ type: Kind.PACKET_STAT, stat: { path, mode, size, linkname, modTime: 1_700_000_000_123_456_789n } });
    }
    this.say({ type: Kind.PACKET_STAT });
    const waiting: Init[] = [];
    this.call = {
      sendFramed: async (bytes) => {
        const unframer = new Unframer();
        unframer.push(bytes);
        for (let one = unframer.next(); one !== undefined; one = unframer.next()) {
          this.#hear(fromBinary(PacketSchema, one), files, waiting, answer);
        }
        unframer.end();
      },
      end: () => undefined,
      batches: this.#batches(),
    };
  }

  #hear(message: Init, files: readonly File[], waiting: Init[], answer?: (id: number) => readonly Init[]): void {
    if (message.type === Kind.PACKET_FIN) {
      this.finished = true;
      this.say({ type: Kind.PACKET_FIN });
      this.#ended = true;
      this.#wake();
      return;
    }
    const id = message.id ?? 0;
    this.asked.push(id);
    if (answer !== undefined) {
      for (const packet of answer(id)) this.say(packet);
      return;
    }
    const data = Buffer.from(files[id]?.data ?? "");
    const half = Math.ceil(data.length / 2);
    waiting.push({ type: Kind.PACKET_DATA, id, data: data.subarray(0, half) });
    waiting.push({ type: Kind.PACKET_DATA, id, data: data.subarray(half) });
    // In an order of its own: the later ones first.
    queueMicrotask(() => {
      for (const packet of waiting.splice(0).sort((a, b) => (b.id ?? 0) - (a.id ?? 0))) {
        if ((packet.data ?? []).length > 0) this.say(packet);
      }
      this.say({ type: Kind.PACKET_DATA, id });
    });
  }

  readonly call: DiffCopyCall;

  say(packet: Init): void {
    this.#queue.push(create(PacketSchema, packet));
    this.#wake();
  }

  async *#batches(): AsyncGenerator<readonly Uint8Array[], void, void> {
    for (;;) {
      while (this.#queue.length > 0) yield this.#queue.splice(0).map((packet) => toBinary(PacketSchema, packet));
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

async function entries(sender: Sender, known: Known = NOTHING): Promise<Record<string, string>> {
  const received = await receive(sender.call);
  const found: Record<string, string> = {};
  for await (const item of readTar(received.tar(known, () => undefined))) {
    const { entry } = item;
    const data = entry.type === "file" ? (await readAll(item, 10_000_000)).toString() : entry.linkname;
    found[entry.name] = `${entry.type} ${entry.mode.toString(8)} ${data}`;
  }
  return found;
}

const failure = async (sender: Sender) => String(await entries(sender).catch((thrown: unknown) => thrown));

test("a tree comes out as a tar: files, directories, links of both kinds, modes", async () => {
  const sender = new Sender([
    { path: "a", data: "first" },
    { path: "d", mode: DIR },
    { path: "d/empty" },
    { path: "d/run", mode: goMode("file", 0o4755), data: "#!" },
    { path: "d/same", linkname: "a" },
    { path: "l", mode: goMode("symlink", 0o777), linkname: "../d/run" },
  ]);
  expect(await entries(sender)).toEqual({
    a: "file 644 first",
    "d/": "dir 755 ",
    "d/empty": "file 644 ",
    "d/run": "file 4755 #!",
    "d/same": "hardlink 644 a",
    l: "symlink 777 ../d/run",
  });
  expect(sender.finished).toBe(true);
});

test("the same tree gives the same bytes, owners and all", async () => {
  const bytes = async () => {
    const received = await receive(new Sender([{ path: "a", data: "x" }]).call);
    return Buffer.concat(await Array.fromAsync(received.tar(NOTHING, () => undefined))).toString("hex");
  };
  expect(await bytes()).toBe(await bytes());
});

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

test("only what is not known is asked for", async () => {
  const sender = new Sender([
    { path: "large", data: "sent here" },
    { path: "new", data: "sent" },
    { path: "small", data: "sent" },
  ]);
  const known: Known = {
    has: ({ path }) => path !== "new",
    content: ({ path }) => (path === "small" ? Buffer.from("kept") : pieces("kept", " here")),
  };
  expect(await entries(sender, known)).toEqual({
    large: "file 644 kept here",
    new: "file 644 sent",
    small: "file 644 kept",
  });
  expect(sender.asked).toEqual([1]);
});

test("nothing is asked for when the list says that all is here", async () => {
  const sender = new Sender([{ path: "a", data: "x" }]);
  const received = await receive(sender.call);
  await received.finish();
  expect({ asked: sender.asked, finished: sender.finished }).toEqual({ asked: [], finished: true });
});

test("any files come out as they went in, in whatever order they are sent", async () => {
  const contents = fc.array(fc.string({ maxLength: 5000 }), { maxLength: 150 });
  await fc.assert(
    fc.asyncProperty(contents, async (all) => {
      const files = all.map((data, index) => ({ path: `f${String(index).padStart(4, "0")}`, data }));
      const found = await entries(new Sender(files));
      expect(found).toEqual(Object.fromEntries(files.map(({ path, data }) => [path, `file 644 ${data}`])));
    }),
    { numRuns: 30 },
  );
});

test("more files, and more bytes, than are asked for ahead", async () => {
  const files = Array.from({ length: 5000 }, (_, index) => ({
    path: `f${String(index).padStart(4, "0")}`,
    data: index % 1000 === 0 ? "large".repeat(1_000_000) : String(index),
  }));
  const sender = new Sender(files);
  const received = await receive(sender.call);
  let told = 0;
  let bytes = 0;
  const progress = (sent: number) => {
    told = sent;
  };
  for await (const piece of received.tar(NOTHING, progress)) bytes += piece.length;
  const all = files.reduce((sum, { data }) => sum + data.length, 0);
  expect({ told, asked: sender.asked.length, whole: bytes > all }).toEqual({ told: all, asked: 5000, whole: true });
});

for (const [what, files] of [
  ["leads out", [{ path: "../a" }]],
  ["is absolute", [{ path: "/a" }]],
  ["has dots in it", [{ path: "d", mode: DIR }, { path: "d/../../a" }]],
  ["has no parent", [{ path: "d/a" }]],
  ["has a file for a parent", [{ path: "d" }, { path: "d/a" }]],
  ["has a link for a parent", [{ path: "d", mode: goMode("symlink", 0o777), linkname: "/etc" }, { path: "d/a" }]],
  ["came twice", [{ path: "a" }, { path: "a" }]],
  ["is a link to what did not come", [{ path: "a", linkname: "../etc/passwd" }]],
  ["holds a NUL", [{ path: "a\0b" }]],
] as const) {
  test(`a path that ${what} is refused`, async () => {
    expect(await failure(new Sender(files))).toContain("bad list of files");
  });
}

test("a name that would be a whiteout does not come along", async () => {
  expect(await entries(new Sender([{ path: ".wh.a" }, { path: "b" }]))).toEqual({ b: "file 644 " });
});

test("a file that grows, shrinks, or that nobody asked for ends the transfer", async () => {
  const of = (id: number, data: string): Init => ({ type: Kind.PACKET_DATA, id, data: Buffer.from(data) });
  const file = [{ path: "a", data: "four" }];
  expect(await failure(new Sender(file, (id) => [of(id, "fives")]))).toContain("a changed while it was being sent");
  expect(await failure(new Sender(file, (id) => [of(id, "3"), of(id, "")]))).toContain("a changed while");
  expect(await failure(new Sender(file, () => [of(7, "x")]))).toContain("invalid file request 7");
  const told = { type: Kind.PACKET_ERR, data: Buffer.from("permission denied") };
  expect(await failure(new Sender(file, () => [told]))).toContain("error from sender: permission denied");
});

test("Go's modes: there and back", () => {
  const types = fc.constantFrom("file", "dir", "symlink", "char", "block", "fifo");
  fc.assert(
    fc.property(types, fc.integer({ min: 0, max: 0o7777 }), (type, mode) => {
      const go = goMode(type, mode);
      expect({ type: typeOf(go), mode: permissionsOf(go) }).toEqual({ type, mode });
    }),
  );
  // As Go prints them: drwxr-xr-x and -rwsr-xr-x (os.ModeDir, os.ModeSetuid).
  expect(goMode("dir", 0o755)).toBe(0x800001ed);
  expect(goMode("file", 0o4755)).toBe(0x8001ed);
});
