// memfd_create(2) and file seals (fcntl(2), F_ADD_SEALS): files in memory that have no name, and that nobody can change
// any more. Constants: include/uapi/linux/memfd.h, include/uapi/linux/fcntl.h.

import { closeSync, readFileSync, writeSync } from "node:fs";
import { check, cstring, isErrno, libc } from "./libc.ts";

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
/** Since Linux 6.3; says so where vm.memfd_noexec asks for a word. */
const MFD_EXEC = 0x10;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE: those that crun and runc look for in their own program. */
const ALL_SEALS = 0xf;

const calls = libc({
  memfd_create: { args: ["cstring", "u32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
});

/**
 * A descriptor (close-on-exec, the caller's to close) of a sealed, executable copy of the file.
 * @throws SystemError, Node's errors: EACCES where vm.memfd_noexec is 2, ENOENT, ENOMEM.
 */
export function sealedCopy(path: string, name: string): number {
  const content = readFileSync(path);
  const fd = createExecutable(name);
  try {
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
    check(calls().fcntl(fd, F_ADD_SEALS, ALL_SEALS), "fcntl", name);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function createExecutable(name: string): number {
  const create = (flags: number) => check(calls().memfd_create(cstring(name, "memfd_create"), flags), "memfd_create");
  try {
    return create(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  } catch (error) {
    if (!isErrno(error, "EINVAL")) throw error;
    return create(MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
}
