// One datagram to a unix socket (unix(7)): what Node's sockets can't send, and systemd's notify protocol wants.

import { constants } from "node:os";
import { check, cstring, I64, libc, SystemError } from "./libc.ts";

const calls = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: I64 },
  close: { args: ["i32"], returns: "i32" },
});

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const PATH_SIZE = 108;

/**
 * Sends `text` to the socket at `path`; one that begins with "@" is in the abstract namespace.
 * @throws SystemError, EAGAIN when the receiver's queue is full.
 */
export function sendDatagram(path: string, text: string): void {
  const name = Buffer.from(path, "utf8");
  if (name.length >= PATH_SIZE || name.includes(0)) {
    throw new SystemError(constants.errno.EINVAL, "sendto", path, "not a socket's path");
  }
  if (name[0] === 0x40) name[0] = 0;
  const address = Buffer.alloc(2 + name.length + (name[0] === 0 ? 0 : 1));
  new Uint16Array(address.buffer, address.byteOffset, 1)[0] = AF_UNIX;
  name.copy(address, 2);
  const data = cstring(text, "sendto");
  const fd = check(calls().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  try {
    const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    check(calls().sendto(fd, data, data.length - 1, flags, address, address.length), "sendto", path);
  } finally {
    calls().close(fd);
  }
}
