// sync_file_range(2): a file that grows goes to the disk while it does, so that fsync(2) at its end has little left to wait
// for. Without it the kernel keeps a file of this size in memory until then, and the threads that inflate and write wait
// with it. It promises nothing: only fsync says that a file is there to stay, and tells what could not be written.

import { libc, U64 } from "./libc.ts";

const SYNC_FILE_RANGE_WRITE = 2;
/** Bytes. A call costs a quarter of a millisecond for so many. */
const STEP = 4 * 1024 * 1024;
/** The call returns at once as long as the disk's queue has room; a disk this slow has work enough. Milliseconds. */
const TOO_LONG = 10;

const calls = libc({ sync_file_range: { args: ["i32", U64, U64, "u32"], returns: "i32" } });

export class WriteBehind {
  readonly #fd: number;
  #started: number;
  #goesOn = true;

  /** @param start Where the bytes that come are put; what is before it is none of ours. */
  constructor(fd: number, start = 0) {
    this.#fd = fd;
    this.#started = start;
  }

  /** @param size So many bytes from the file's beginning are written, and will not change. @returns whether to go on telling. */
  grown(size: number): boolean {
    if (!this.#goesOn || size - this.#started < STEP) return this.#goesOn;
    const start = performance.now();
    const result = calls().sync_file_range(this.#fd, this.#started, size - this.#started, SYNC_FILE_RANGE_WRITE);
    this.#started = size;
    this.#goesOn = result === 0 && performance.now() - start < TOO_LONG;
    return this.#goesOn;
  }
}
