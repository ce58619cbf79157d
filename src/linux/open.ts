// openat2(2): opening a path so that it can't leave a directory, whatever links it meets. The only way in which paths
// that came from an archive, a container or a request may be opened. Constants: include/uapi/linux/openat2.h, fcntl.h.

import { closeSync, constants } from "node:fs";
import { constants as osConstants } from "node:os";
import { cstring, I64, lastErrno, libc, type PathLike, SystemError, U64 } from "./libc.ts";
import { SYS } from "./syscalls.ts";

export const RESOLVE = {
  /** No crossing into another mount. */
  NO_XDEV: 0x01,
  /** No jumping through links such as /proc/PID/root and /proc/PID/fd/N. */
  NO_MAGICLINKS: 0x02,
  NO_SYMLINKS: 0x04,
  /** Leaving the directory is an error (EXDEV). */
  BENEATH: 0x08,
  /** The directory is "/" to the path and to every link in it, as in chroot(2). */
  IN_ROOT: 0x10,
} as const;

/** open(2) flags that Node's constants lack or name differently; values of x86-64 and arm64 alike unless noted. */
export const O = {
  RDONLY: constants.O_RDONLY,
  WRONLY: constants.O_WRONLY,
  RDWR: constants.O_RDWR,
  CREAT: constants.O_CREAT,
  EXCL: constants.O_EXCL,
  TRUNC: constants.O_TRUNC,
  NONBLOCK: constants.O_NONBLOCK,
  DIRECTORY: constants.O_DIRECTORY,
  NOFOLLOW: constants.O_NOFOLLOW,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
} as const;

const calls = libc({ syscall: { args: [I64, "i32", "ptr", "ptr", U64], returns: I64 } });

export interface OpenHow {
  /** Bits of O; O_CLOEXEC is always added. */
  readonly flags: number;
  /** For O_CREAT only. */
  readonly mode?: number;
  /** Bits of RESOLVE. */
  readonly resolve?: number;
}

/** struct open_how: three numbers of 64 bits, whose upper halves stay zero. One for all calls. */
const struct = new Uint32Array(6);

/**
 * openat2(2) from `directory`. @throws SystemError, also EXDEV (would leave), ELOOP (a link where none may be), EAGAIN
 * (something was renamed meanwhile and the kernel could not be sure: it is tried again a few times first).
 */
export function openat2(directory: number, path: PathLike, how: OpenHow): number {
  struct[0] = how.flags | O.CLOEXEC;
  struct[2] = how.mode ?? 0;
  struct[4] = how.resolve ?? 0;
  const name = cstring(path, "openat2");
  for (let attempt = 0; ; attempt++) {
    const fd = calls().syscall(SYS.openat2, directory, name, struct, struct.byteLength);
    if (fd >= 0) return Number(fd);
    const errno = lastErrno();
    if (errno !== osConstants.errno.EAGAIN || attempt === 15) throw new SystemError(errno, "openat2", path);
  }
}

/** A path inside `root`, links resolved as a process chrooted there would, never through magic links. */
export function openInRoot(root: number, path: PathLike, flags: number, mode?: number): number {
  const resolve = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS;
  return openat2(root, path, mode === undefined ? { flags, resolve } : { flags, mode, resolve });
}

/** A file descriptor that `using` closes. */
export class OwnedFd implements Disposable {
  readonly fd: number;
  constructor(fd: number) {
    this.fd = fd;
  }
  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
