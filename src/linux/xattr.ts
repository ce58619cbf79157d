// Extended attributes: getxattr(2), setxattr(2), listxattr(2), removexattr(2), by path (never following a link at the
// end) and by fd. A file opened with O_PATH has none of the fd calls: name it /proc/self/fd/N and use the path calls
// with `follow`, which then follow that one magic link and nothing else.

import { constants } from "node:os";
import { check, cstring, I64, lastErrno, libc, type PathLike, SystemError, U64 } from "./libc.ts";

const calls = libc({
  lgetxattr: { args: ["ptr", "ptr", "ptr", U64], returns: I64 },
  getxattr: { args: ["ptr", "ptr", "ptr", U64], returns: I64 },
  fgetxattr: { args: ["i32", "ptr", "ptr", U64], returns: I64 },
  lsetxattr: { args: ["ptr", "ptr", "ptr", U64, "i32"], returns: "i32" },
  setxattr: { args: ["ptr", "ptr", "ptr", U64, "i32"], returns: "i32" },
  fsetxattr: { args: ["i32", "ptr", "ptr", U64, "i32"], returns: "i32" },
  llistxattr: { args: ["ptr", "ptr", U64], returns: I64 },
  listxattr: { args: ["ptr", "ptr", U64], returns: I64 },
  flistxattr: { args: ["i32", "ptr", U64], returns: I64 },
  lremovexattr: { args: ["ptr", "ptr"], returns: "i32" },
});

/** A file by path, or by an fd that is not O_PATH. */
export type XattrFile = PathLike | number;

/** Linux's bound on one value and on the list of names (XATTR_SIZE_MAX, XATTR_LIST_MAX). */
const LIMIT = 65536;

/** What the kernel answers; one for all calls, since making room for the most costs more than the call. */
const buffer = Buffer.alloc(LIMIT);

/** The value, or undefined when the file has no such attribute or its file system has none at all. */
export function getXattr(file: XattrFile, name: PathLike, follow = false): Buffer | undefined {
  const key = cstring(name, "getxattr");
  const at = typeof file === "number" ? undefined : cstring(file, "getxattr");
  const get = follow ? calls().getxattr : calls().lgetxattr;
  const length =
    typeof file === "number" ? calls().fgetxattr(file, key, buffer, LIMIT) : get(at ?? null, key, buffer, LIMIT);
  if (length >= 0) return Buffer.from(buffer.subarray(0, Number(length)));
  const errno = lastErrno();
  if (errno === constants.errno.ENODATA || errno === constants.errno.EOPNOTSUPP) return undefined;
  throw new SystemError(
    errno,
    "getxattr",
    typeof file === "number" ? `fd ${file}` : file,
    Buffer.from(name).toString(),
  );
}

export function setXattr(file: XattrFile, name: PathLike, value: Uint8Array, follow = false): void {
  const key = cstring(name, "setxattr");
  const at = typeof file === "number" ? undefined : cstring(file, "setxattr");
  const set = follow ? calls().setxattr : calls().lsetxattr;
  // An empty array has no address, and the call wants one only to read nothing from it.
  const data = value.length === 0 ? Buffer.alloc(1) : value;
  check(
    typeof file === "number"
      ? calls().fsetxattr(file, key, data, value.length, 0)
      : set(at ?? null, key, data, value.length, 0),
    "setxattr",
    typeof file === "number" ? `fd ${file}` : file,
    Buffer.from(name).toString(),
  );
}

/** Names of all attributes, as bytes in Latin-1, in the order that the kernel gives; none where there are none. */
export function listXattrs(file: XattrFile, follow = false): string[] {
  const at = typeof file === "number" ? undefined : cstring(file, "listxattr");
  const list = follow ? calls().listxattr : calls().llistxattr;
  const length = typeof file === "number" ? calls().flistxattr(file, buffer, LIMIT) : list(at ?? null, buffer, LIMIT);
  if (length < 0) {
    const errno = lastErrno();
    if (errno === constants.errno.EOPNOTSUPP) return [];
    throw new SystemError(errno, "listxattr", typeof file === "number" ? `fd ${file}` : file);
  }
  if (length === 0) return [];
  return buffer
    .toString("latin1", 0, Number(length))
    .split("\0")
    .filter((name) => name !== "");
}

export function removeXattr(file: PathLike, name: PathLike): void {
  check(calls().lremovexattr(cstring(file, "removexattr"), cstring(name, "removexattr")), "removexattr", file);
}
