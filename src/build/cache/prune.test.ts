import { expect, test } from "bun:test";
import { bytesToKeep } from "./prune.ts";

const GB = 1024 ** 3;

/** Of 10 GB of cache, on a disk with 3 GB free. */
const keep = (keepStorage?: number, maxUsedSpace?: number, minFreeSpace?: number) =>
  bytesToKeep({ keepStorage, maxUsedSpace, minFreeSpace }, 10 * GB, () => 3 * GB);

test("what stays of the cache, by what is reserved, may be used, and is to be free", () => {
  expect(keep()).toBeUndefined();
  expect(keep(2 * GB)).toBe(2 * GB);
  expect(keep(undefined, 6 * GB)).toBe(6 * GB);
  expect(keep(7 * GB, 6 * GB)).toBe(7 * GB);
  expect(keep(undefined, undefined, 5 * GB)).toBe(8 * GB);
  expect(keep(undefined, undefined, 1 * GB)).toBe(10 * GB);
  expect(keep(undefined, 6 * GB, 5 * GB)).toBe(6 * GB);
  expect(keep(undefined, 9 * GB, 5 * GB)).toBe(8 * GB);
  expect(keep(9 * GB, undefined, 100 * GB)).toBe(9 * GB);
  expect(keep(undefined, undefined, 100 * GB)).toBe(0);
});
