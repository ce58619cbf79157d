// preadv2(2) with RWF_NOWAIT: reading what the page cache has, and never waiting for a disk. For large files that are
// mostly in memory: a read by the runtime's threads costs more than the copy does.

import { ptr } from "bun:ffi";
import { I64, isErrno, lastErrno, libc, SystemError } from "./libc.ts";

const calls = libc({ preadv2: { args: ["i32", "ptr", "i32", I64, "i32"], returns: I64 } });
const RWF_NOWAIT = 8;

/** A buffer to read into, again and again. */
export class ReadBuffer {
  readonly bytes: Buffer;
  /** struct iovec: where, how much. */
  readonly #iovec: BigUint64Array;
  readonly #start: bigint;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.#start = BigInt(ptr(this.bytes));
    this.#iovec = new BigUint64Array(2);
  }

  /**
   * Reads up to `length` bytes at `offset`; fewer when no more are in memory. @returns how many, 0 at the file's end;
   * undefined when the disk would have to be waited for, or the file system can't say: read in another way then.
   */
  fillCached(fd: number, offset: number, length: number): number | undefined {
    this.#iovec[0] = this.#start;
    this.#iovec[1] = BigInt(Math.min(length, this.bytes.length));
    const count = Number(calls().preadv2(fd, this.#iovec, 1, offset, RWF_NOWAIT));
    if (count >= 0) return count;
    const error = new SystemError(lastErrno(), "preadv2");
    if (isErrno(error, "EAGAIN", "EOPNOTSUPP", "EINVAL", "ENOSYS", "EINTR")) return undefined;
    throw error;
  }
}
