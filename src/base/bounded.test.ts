import { expect, test } from "bun:test";
import { makeRoom } from "./bounded.ts";

test("the oldest goes, and only when there is no room", () => {
  const map = new Map<string, number>();
  for (const [value, key] of ["a", "b", "c", "d"].entries()) {
    makeRoom(map, 3);
    map.set(key, value);
  }
  expect([...map.keys()]).toEqual(["b", "c", "d"]);
  makeRoom(map, 4);
  expect(map.size).toBe(3);
});
