import { expect, test } from "bun:test";
import { letGo, mayGo } from "./passing.ts";

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
