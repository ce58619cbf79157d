// copy_file_range(2): copying between files inside the kernel; a reflink where the file system has them.

import { check, I64, libc, U64 } from "./libc.ts";

const calls = libc({
  copy_file_range: { args: ["i32", "ptr", "i32", "ptr", U64, "u32"], returns: I64 },
});

/**
 * Copies up to `length` bytes between offsets of two files; gives how many were copied, 0 at the source's end.
 * @throws SystemError EXDEV or EOPNOTSUPP where the file systems can't: read and write then.
 */
export function copyFileRange(from: number, fromOffset: number, to: number, toOffset: number, length: number): number {
  const source = new BigInt64Array([BigInt(fromOffset)]);
  const target = new BigInt64Array([BigInt(toOffset)]);
  return check(calls().copy_file_range(from, source, to, target, length, 0), "copy_file_range");
}
