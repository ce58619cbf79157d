// Mounting: mount(2), umount2(2) and the newer calls that work on file descriptors (fsopen(2), fsconfig(2),
// fsmount(2), move_mount(2), open_tree(2), mount_setattr(2)). The newer ones have no limit of one page on options and
// can make mounts that are in no mount table ("detached"). Constants: include/uapi/linux/mount.h.

import { closeSync, readSync } from "node:fs";
import { check, cstring, I64, isErrno, lastErrno, libc, type PathLike, SystemError, U64 } from "./libc.ts";
import { O, openat2 } from "./open.ts";
import { SYS } from "./syscalls.ts";

export const AT_FDCWD = -100;

export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  BIND: 4096,
  MOVE: 8192,
  REC: 16384,
  SILENT: 32768,
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
} as const;

export const MNT = { FORCE: 1, DETACH: 2, EXPIRE: 4, NOFOLLOW: 8 } as const;

export const MOUNT_ATTR = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  NOATIME: 0x10,
  NODIRATIME: 0x80,
  IDMAP: 0x100000,
} as const;

export const OPEN_TREE = { CLONE: 1, CLOEXEC: 0o2000000, RECURSIVE: 0x8000, EMPTY_PATH: 0x1000 } as const;

const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, SET_FD: 5, CMD_CREATE: 6 } as const;

const calls = libc({
  mount: { args: ["ptr", "ptr", "ptr", U64, "ptr"], returns: "i32" },
  umount2: { args: ["ptr", "i32"], returns: "i32" },
});
const fsopenCall = libc({ syscall: { args: [I64, "ptr", "u32"], returns: I64 } });
const fsconfigCall = libc({ syscall: { args: [I64, "i32", "u32", "ptr", "ptr", "i32"], returns: I64 } });
const fsmountCall = libc({ syscall: { args: [I64, "i32", "u32", "u32"], returns: I64 } });
const openTreeCall = libc({ syscall: { args: [I64, "i32", "ptr", "u32"], returns: I64 } });
const moveMountCall = libc({ syscall: { args: [I64, "i32", "ptr", "i32", "ptr", "u32"], returns: I64 } });
const setattrCall = libc({
  syscall: { args: [I64, "i32", "ptr", "u32", "ptr", U64], returns: I64 },
});

export interface MountOptions {
  readonly source?: PathLike;
  readonly target: PathLike;
  readonly type?: string;
  /** Bits of MS. */
  readonly flags?: number;
  /** The file system's own options; the kernel refuses more than a page. */
  readonly data?: string;
}

/** mount(2). */
export function mount(options: MountOptions): void {
  const text = (value: PathLike | undefined) => (value === undefined ? null : cstring(value, "mount"));
  const { source, target, type, flags = 0, data } = options;
  check(calls().mount(text(source), text(target), text(type), flags, text(data)), "mount", target, type);
}

/** umount2(2); flags are bits of MNT. */
export function unmount(target: PathLike, flags = 0): void {
  check(calls().umount2(cstring(target, "umount2"), flags), "umount2", target);
}

/** A file system being configured: what fsopen(2) gives. `using` closes it. */
export class FsContext implements Disposable {
  readonly fd: number;
  readonly type: string;
  readonly #held: number[] = [];

  /** @throws SystemError ENODEV when the kernel lacks this type. */
  constructor(type: string) {
    this.type = type;
    this.fd = check(fsopenCall().syscall(SYS.fsopen, cstring(type, "fsopen"), FSOPEN_CLOEXEC), "fsopen", type);
  }

  /** Sets `key=value`; throws with what the kernel says about it. */
  set(key: string, value: PathLike): void {
    this.#config(FSCONFIG.SET_STRING, key, cstring(value, "fsconfig"), 0);
  }

  /** Sets `key` to a path; one that is longer than the kernel takes (255 bytes) goes by a descriptor's name. */
  setPath(key: string, path: string): void {
    if (Buffer.byteLength(path) <= 255) {
      this.set(key, path);
      return;
    }
    const fd = openat2(AT_FDCWD, path, { flags: O.PATH });
    this.#held.push(fd);
    this.set(key, `/proc/self/fd/${fd}`);
  }

  flag(key: string): void {
    this.#config(FSCONFIG.SET_FLAG, key, null, 0);
  }

  setFd(key: string, fd: number): void {
    this.#config(FSCONFIG.SET_FD, key, null, fd);
  }

  /** Makes the file system and a mount of it that is in no mount table; gives its directory's fd. */
  mount(attributes = 0): number {
    this.#config(FSCONFIG.CMD_CREATE, null, null, 0);
    return check(
      fsmountCall().syscall(SYS.fsmount, this.fd, FSMOUNT_CLOEXEC, attributes),
      "fsmount",
      this.type,
      this.#log(),
    );
  }

  [Symbol.dispose](): void {
    for (const fd of this.#held) closeSync(fd);
    closeSync(this.fd);
  }

  #config(command: number, key: string | null, value: Buffer | null, aux: number): void {
    const name = key === null ? null : cstring(key, "fsconfig");
    if (fsconfigCall().syscall(SYS.fsconfig, this.fd, command, name, value, aux) >= 0) return;
    throw new SystemError(lastErrno(), "fsconfig", key ?? this.type, this.#log());
  }

  /** What the kernel wrote about the failure; a context's fd is read for it, one message a read. */
  #log(): string | undefined {
    const lines: string[] = [];
    const buffer = Buffer.alloc(1024);
    try {
      while (lines.length < 16) lines.push(buffer.toString("utf8", 0, readSync(this.fd, buffer)).trim());
    } catch {
      // ENODATA: no more messages.
    }
    return lines.length === 0 ? undefined : lines.join("; ");
  }
}

/** move_mount(2): puts a detached mount (from fsmount or open_tree with CLONE) at `target`. */
export function attachMount(fd: number, target: PathLike, targetDirectory: number = AT_FDCWD): void {
  check(
    moveMountCall().syscall(
      SYS.move_mount,
      fd,
      cstring("", "move_mount"),
      targetDirectory,
      cstring(target, "move_mount"),
      MOVE_MOUNT_F_EMPTY_PATH,
    ),
    "move_mount",
    target,
  );
}

/** open_tree(2); flags are bits of OPEN_TREE and AT_*. The fd is closed on exec. */
export function openTree(directory: number, path: PathLike, flags: number): number {
  return check(
    openTreeCall().syscall(SYS.open_tree, directory, cstring(path, "open_tree"), flags | OPEN_TREE.CLOEXEC),
    "open_tree",
    path,
  );
}

export interface MountAttributes {
  /** Bits of MOUNT_ATTR. */
  readonly set?: number;
  readonly clear?: number;
  /** One of MS.PRIVATE, SLAVE, SHARED, UNBINDABLE. */
  readonly propagation?: number;
  /** With MOUNT_ATTR.IDMAP. */
  readonly userNamespace?: number;
}

/** mount_setattr(2) on the mount that `fd` stands for. */
export function setMountAttributes(fd: number, attributes: MountAttributes, recursive = false): void {
  const AT_EMPTY_PATH = 0x1000;
  const AT_RECURSIVE = 0x8000;
  const struct = new BigUint64Array(4);
  struct[0] = BigInt(attributes.set ?? 0);
  struct[1] = BigInt(attributes.clear ?? 0);
  struct[2] = BigInt(attributes.propagation ?? 0);
  struct[3] = BigInt(attributes.userNamespace ?? 0);
  const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  check(
    setattrCall().syscall(SYS.mount_setattr, fd, cstring("", "mount_setattr"), flags, struct, struct.byteLength),
    "mount_setattr",
  );
}

/** True when errno says that this kernel does not know the call, the file system or mounting a plain file. */
export function isUnsupported(error: unknown): boolean {
  return isErrno(error, "ENOSYS", "ENODEV", "EOPNOTSUPP", "EINVAL", "ENOTBLK");
}
