import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DEFAULT_DETACH_KEYS, DetachFilter, parseDetachKeys } from "./detach-keys.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("what users write", () => {
  test("control keys and plain ones", () => {
    expect([...parseDetachKeys(DEFAULT_DETACH_KEYS)]).toEqual([16, 17]);
    expect([...parseDetachKeys("ctrl-@,a,ctrl-[,ctrl-_")]).toEqual([0, 97, 27, 31]);
  });

  test.each(["ctrl-", "ctrl-A,b", "ab", "", "ctrl-1", "a,,b"])("%p is refused", (text) => {
    expect(() => parseDetachKeys(text)).toThrow("Invalid detach keys");
  });
});

describe("what users type", () => {
  test("the sequence ends it, also split over two reads", () => {
    const filter = new DetachFilter(bytes(16, 17));
    expect(filter.push(bytes(97, 16))).toEqual({ data: bytes(97), detached: false });
    expect(filter.push(bytes(17, 98))).toEqual({ data: bytes(), detached: true });
  });

  test("a beginning that leads nowhere is sent on", () => {
    const filter = new DetachFilter(bytes(16, 17));
    expect(filter.push(bytes(16, 97))).toEqual({ data: bytes(16, 97), detached: false });
    expect(filter.push(bytes(16, 16, 17))).toEqual({ data: bytes(16), detached: true });
    filter.push(bytes(16));
    expect(filter.flush()).toEqual(bytes(16));
  });

  test("without the sequence every byte arrives, in order, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 8 })),
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        (cuts, keys) => {
          const whole = Buffer.concat(cuts);
          fc.pre(!whole.includes(Buffer.from(keys)));
          const filter = new DetachFilter(keys);
          const out = cuts.map((cut) => filter.push(cut).data);
          expect(Buffer.concat([...out, filter.flush()])).toEqual(whole);
        },
      ),
    );
  });
});
