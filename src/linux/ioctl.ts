// ioctl(2): one call of many meanings. Requests and layouts are with those who use it; the same on x86-64 and arm64.

import { check, libc, U64 } from "./libc.ts";

const calls = libc({
  ioctl: { args: ["i32", U64, "ptr"], returns: "i32" },
});
const plainCalls = libc({ ioctl: { args: ["i32", U64, U64], returns: "i32" } });

/** With a structure, which the kernel may write into. */
export function ioctl(fd: number, request: number, data: Uint8Array, what: string): number {
  return check(calls().ioctl(fd, request, data), `ioctl ${what}`);
}

/** With a number, or nothing. */
export function ioctlNumber(fd: number, request: number, value: number, what: string): number {
  return check(plainCalls().ioctl(fd, request, value), `ioctl ${what}`);
}
