// Pieces of files come out as they went in, however their bytes are cut on the way.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { PIECE_HEAD, PieceReader, writePieceHead } from "./pieces.ts";

interface Sent {
  readonly id: number;
  readonly data: Uint8Array;
  readonly last: boolean;
}

function bytesOf({ id, data, last }: Sent): Buffer {
  const bytes = Buffer.alloc(PIECE_HEAD + data.length);
  writePieceHead(bytes, 0, id, data.length, last);
  bytes.set(data, PIECE_HEAD);
  return bytes;
}

/** Each file's bytes, and how often it ended. */
function filesOf(pieces: Iterable<Sent>): Map<number, { data: string; ends: number }> {
  const files = new Map<number, { data: string; ends: number }>();
  for (const { id, data, last } of pieces) {
    const { data: before, ends } = files.get(id) ?? { data: "", ends: 0 };
    files.set(id, { data: before + Buffer.from(data).toString("hex"), ends: ends + (last ? 1 : 0) });
  }
  return files;
}

test("whatever the cuts, every file has its bytes and its end, and nothing more", () => {
  const piece = fc.record({
    id: fc.nat({ max: 2 ** 32 - 1 }),
    data: fc.uint8Array({ maxLength: 200 }),
    last: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (sent, sizes) => {
        const bytes = Buffer.concat(sent.map(bytesOf));
        const reader = new PieceReader();
        const got: Sent[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          got.push(...reader.read(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(filesOf(got)).toEqual(filesOf(sent));
      },
    ),
  );
});

test("a length that nobody would send is refused", () => {
  const head = Buffer.alloc(PIECE_HEAD);
  writePieceHead(head, 0, 1, 17 * 1024 * 1024, false);
  expect(() => new PieceReader().read(head)).toThrow("too large");
});
