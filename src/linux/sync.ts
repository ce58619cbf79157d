// syncfs(2): one flush for a whole tree of new files, where an fsync each would cost one each.

import { check, libc } from "./libc.ts";

const calls = libc({ syncfs: { args: ["i32"], returns: "i32" } });

/** Writes everything of the file system that `fd` is on to its disk. */
export function syncfs(fd: number): void {
  check(calls().syncfs(fd), "syncfs");
}
