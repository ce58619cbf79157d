// Reading a directory by fd: getdents64(2). Names come as bytes, with the type where the file system knows it.

import { check, I64, libc, U64 } from "./libc.ts";

export interface DirectoryEntry {
  /** One byte a character (Latin-1): names need not be UTF-8. */
  readonly name: string;
  /** DT_* of readdir(3): 4 directory, 8 file, 10 link, 2 character device …; 0 when the file system does not say. */
  readonly type: number;
}

export const DT = { UNKNOWN: 0, FIFO: 1, CHR: 2, DIR: 4, BLK: 6, REG: 8, LNK: 10, SOCK: 12 } as const;

const calls = libc({
  getdents64: { args: ["i32", "ptr", U64], returns: I64 },
  lseek: { args: ["i32", I64, "i32"], returns: I64 },
});

const buffer = Buffer.alloc(65536);

/** Everything in the directory but "." and "..", in the file system's order. The fd must not be O_PATH. */
export function readDirectory(fd: number): DirectoryEntry[] {
  check(calls().lseek(fd, 0, 0), "lseek");
  const entries: DirectoryEntry[] = [];
  for (;;) {
    const length = check(calls().getdents64(fd, buffer, buffer.length), "getdents64");
    if (length === 0) return entries;
    for (let at = 0; at < length; at += buffer.readUInt16LE(at + 16)) {
      const start = at + 19;
      const name = buffer.toString("latin1", start, buffer.indexOf(0, start));
      if (name !== "." && name !== "..") entries.push({ name, type: buffer.readUInt8(at + 18) });
    }
  }
}
