import { expect, test } from "bun:test";
import { lend, letGo, mayGo } from "./passing.ts";

test("memory goes when both sides say so, and only to the end of what was let go", () => {
  const kept = new Uint8Array(8);
  letGo(kept);
  expect(kept.length).toBe(8);
  const memory = new Uint8Array(8);
  const [first, last] = [memory.subarray(0, 3), memory.subarray(3)];
  mayGo(first);
  letGo(first);
  expect(memory.length).toBe(8);
  mayGo(last);
  expect(last.length).toBe(5);
  letGo(last.subarray(0, 2));
  expect(last.length).toBe(5);
  letGo(last.subarray(2));
  expect([memory.length, first.length, last.length]).toEqual([0, 0, 0]);
  letGo(last);
});

test("memory that was lent comes back once, when the last of the chunk was let go", () => {
  const memory = new Uint8Array(8);
  let count = 0;
  const chunk = memory.subarray(0, 6);
  lend(chunk, () => {
    count += 1;
  });
  letGo(chunk.subarray(0, 4));
  expect(count).toBe(0);
  letGo(chunk.subarray(4));
  letGo(chunk);
  expect({ count, length: memory.length }).toEqual({ count: 1, length: 8 });
});
