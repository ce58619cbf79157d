// The door to the C library: every system call of hoy goes through bun:ffi here, and a call that fails throws a
// SystemError with errno's name, the call and the path. Nothing here knows what the calls are for.
//
// The calls are synchronous: they run on the engine's thread, so only ones that return at once belong here.

import { dlopen, type FFIFunction, FFIType, type Pointer, read } from "bun:ffi";
import { constants } from "node:os";

/** A path: text is passed as UTF-8; bytes are passed as they are (names on disk and in tars need not be UTF-8). */
export type PathLike = string | Uint8Array;

/** A system call that failed. `code` is errno's name, as in Node's own errors. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly path: string | undefined;

  constructor(errno: number, syscall: string, path?: PathLike, detail?: string) {
    const code = errnoName(errno);
    const at = path === undefined ? undefined : printable(path);
    const where = at === undefined ? syscall : `${syscall} '${at}'`;
    super(`${where}: ${code}: ${describe(errno)}${detail ? ` (${detail})` : ""}`);
    this.name = "SystemError";
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    this.path = at;
  }
}

/** True when `error` is a failed call (ours or Node's) with one of these errno names. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  if (typeof error.code !== "string") return false;
  const twin = TWINS[error.code];
  return codes.includes(error.code) || (twin !== undefined && codes.includes(twin));
}

/** One number with two names on Linux: whoever asks for either means both. */
const TWINS: Readonly<Record<string, string>> = {
  ENOTSUP: "EOPNOTSUPP",
  EOPNOTSUPP: "ENOTSUP",
  EAGAIN: "EWOULDBLOCK",
  EWOULDBLOCK: "EAGAIN",
};

/** 64-bit arguments and results: numbers when they are safe integers, else bigints. */
export const I64 = FFIType.i64_fast;
export const U64 = FFIType.u64_fast;

/** Opens functions of the C library; done at the first use, since each costs a little code generation. */
export function libc<const Fns extends Record<string, FFIFunction>>(functions: Fns) {
  let symbols: ReturnType<typeof dlopen<Fns>>["symbols"] | undefined;
  return () => {
    symbols ??= dlopen("libc.so.6", functions).symbols;
    return symbols;
  };
}

/**
 * The result of a call, or a SystemError when it is negative. Must be called with the call as its argument, so that
 * nothing runs between the call and the reading of errno.
 */
export function check(result: number | bigint, syscall: string, path?: PathLike, detail?: string): number {
  if (result >= 0) return Number(result);
  throw new SystemError(lastErrno(), syscall, path, detail);
}

const base = libc({
  __errno_location: { args: [], returns: "ptr" },
});

/** Where this thread's errno is; found before the first call, so that finding it can't disturb errno. */
let errnoLocation: Pointer | bigint | undefined;

export function lastErrno(): number {
  errnoLocation ??= base().__errno_location() ?? 0n;
  return read.i32(errnoLocation, 0);
}
lastErrno();

const EMPTY = Buffer.alloc(1);

/** Bytes of a path or other text with C's closing zero. A zero inside would cut it short: EINVAL, never a shorter path. */
export function cstring(text: PathLike, syscall: string): Buffer {
  if (text.length === 0) return EMPTY;
  const zero = typeof text === "string" ? text.includes("\0") : text.includes(0);
  if (zero) throw new SystemError(constants.errno.EINVAL, syscall, text, "zero byte in a name");
  if (typeof text === "string") return Buffer.from(`${text}\0`, "utf8");
  const terminated = Buffer.allocUnsafe(text.length + 1);
  terminated.set(text);
  terminated[text.length] = 0;
  return terminated;
}

/** What Node's table lacks and our calls give. */
const MORE_NAMES: Readonly<Record<number, string>> = { 15: "ENOTBLK", 61: "ENODATA", 117: "EUCLEAN" };

export function errnoName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, value]) => value === errno);
  return found?.[0] ?? MORE_NAMES[errno] ?? `E${errno}`;
}

const strerror = libc({ strerror: { args: ["i32"], returns: "cstring" } });

function describe(errno: number): string {
  return strerror().strerror(errno)?.toString() ?? "unknown error";
}

function printable(path: PathLike): string {
  return typeof path === "string" ? path : Buffer.from(path).toString("utf8");
}
