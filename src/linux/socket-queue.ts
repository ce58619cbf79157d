// What was written into a stream socket and not yet read on the other side (SIOCOUTQ; unix(7), tcp(7)).

import { ioctl } from "./ioctl.ts";
import { isErrno } from "./libc.ts";

/** asm-generic/sockios.h, also called TIOCOUTQ. */
const SIOCOUTQ = 0x5411;

/**
 * Bytes that still wait: on a unix socket until the peer has read them (with the kernel's own overhead), on TCP until it
 * has acknowledged them. 0 for a descriptor that is no socket any more.
 */
export function unreadBytes(fd: number): number {
  const bytes = new Int32Array(1);
  try {
    ioctl(fd, SIOCOUTQ, new Uint8Array(bytes.buffer), "SIOCOUTQ");
  } catch (error) {
    if (isErrno(error, "EBADF", "ENOTTY", "EINVAL", "ENOTCONN")) return 0;
    throw error;
  }
  return bytes[0] ?? 0;
}
