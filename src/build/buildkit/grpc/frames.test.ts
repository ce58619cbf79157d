// Laws of the framing, whatever the pieces that bytes come in.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { frame, MESSAGE_LIMIT, Unframer } from "./frames.ts";
import { GrpcError, readTrailers, statusTrailers } from "./status.ts";

test("messages come out as they went in, however the bytes are cut", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }), (sent, sizes) => {
      const bytes = Buffer.concat(sent.map(frame));
      const unframer = new Unframer();
      const got: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        unframer.push(bytes.subarray(at, at + size));
        at += size;
        for (let next = unframer.next(); next !== undefined; next = unframer.next()) got.push(Uint8Array.from(next));
      }
      unframer.end();
      expect(got.map((each) => Buffer.from(each).toString("hex"))).toEqual(
        sent.map((each) => Buffer.from(each).toString("hex")),
      );
    }),
  );
});

test("random bytes are messages or an error, and nothing is allocated for a length that is only claimed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      const unframer = new Unframer();
      unframer.push(bytes);
      try {
        while (unframer.next() !== undefined);
        unframer.end();
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(GrpcError);
      }
    }),
  );
});

test("a length beyond the limit, compression and a cut message are told", () => {
  const large = Buffer.alloc(5);
  large.writeUInt32BE(MESSAGE_LIMIT + 1, 1);
  const failure = (bytes: Uint8Array) => {
    const unframer = new Unframer();
    unframer.push(bytes);
    try {
      unframer.next();
      unframer.end();
      return "";
    } catch (thrown) {
      return String(thrown);
    }
  };
  expect(failure(large)).toContain(`more than ${MESSAGE_LIMIT}`);
  expect(failure(Buffer.from([1, 0, 0, 0, 0]))).toContain("compressed");
  expect(failure(Buffer.from([0, 0, 0, 0, 3, 1]))).toContain("in the middle of a message");
});

test("a status survives its trailers, whatever its text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), fc.integer({ min: 1, max: 16 }), (message, code) => {
      const error = new GrpcError(code, message, [{ typeUrl: "a/b", value: Buffer.from(message) }]);
      const trailers = statusTrailers(error);
      expect(String(trailers["grpc-message"])).toMatch(/^[\x20-\x7e]*$/);
      const back = readTrailers(trailers as Record<string, string>);
      expect({ code: back?.code, message: back?.message }).toEqual({ code, message });
      expect(Buffer.from(back?.details[0]?.value ?? []).toString()).toBe(message);
    }),
  );
});
