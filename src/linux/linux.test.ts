// The system calls against this kernel, as root: each once in its right use, and its failures by errno's name.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AT,
  fchmodat,
  lchownat,
  linkat,
  makedev,
  mkdirat,
  mknodat,
  RENAME,
  readlinkat,
  renameat2,
  symlinkat,
  unlinkat,
  utimensat,
} from "./at.ts";
import { copyFileRange } from "./copy.ts";
import { DT, readDirectory } from "./directory.ts";
import { tryLock, unlock } from "./flock.ts";
import { cstring, isErrno, SystemError } from "./libc.ts";
import {
  attachMount,
  FsContext,
  MNT,
  MOUNT_ATTR,
  MS,
  mount,
  OPEN_TREE,
  openTree,
  setMountAttributes,
  unmount,
} from "./mount.ts";
import { O, OwnedFd, openat2, openInRoot, RESOLVE } from "./open.ts";
import { kill, pidfdOpen, pidfdSendSignal } from "./process.ts";
import { getResourceLimit, isResourceName, setResourceLimit } from "./rlimit.ts";
import { fdstat, lstatat, S } from "./stat.ts";
import { filesystemOf } from "./statfs.ts";
import { getXattr, listXattrs, removeXattr, setXattr } from "./xattr.ts";

let root: string;
let fd: number;

beforeAll(() => {
  root = mkdtempSync("/tmp/hoy-linux-");
  fd = openSync(root, O.RDONLY | O.DIRECTORY);
});
afterAll(() => {
  closeSync(fd);
  rmSync(root, { recursive: true });
});

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    throw error;
  }
  return "no error";
}

describe("errors", () => {
  test("name errno, the call and the path", () => {
    try {
      mkdirat(fd, "no/such", 0o755);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(SystemError);
      expect(String(error)).toBe("SystemError: mkdirat 'no/such': ENOENT: No such file or directory");
      expect(isErrno(error, "ENOENT")).toBe(true);
      expect(isErrno(error, "EEXIST")).toBe(false);
    }
  });

  test("a zero byte never shortens a path", () => {
    expect(codeOf(() => cstring("a\0b", "open"))).toBe("EINVAL");
  });
});

describe("calls on a directory's fd", () => {
  test("make, link, rename, remove", () => {
    mkdirat(fd, "d", 0o750);
    expect(codeOf(() => mkdirat(fd, "d", 0o750))).toBe("EEXIST");
    symlinkat("d/../target", fd, "s");
    expect(readlinkat(fd, "s").toString()).toBe("d/../target");
    mknodat(fd, "null", S.IFCHR | 0o600, makedev(1, 3));
    expect(lstatat(fd, "null").rdev).toEqual({ major: 1, minor: 3 });
    linkat(fd, "null", fd, "null2");
    expect(lstatat(fd, "null2").nlink).toBe(2);
    expect(codeOf(() => renameat2(fd, "null", fd, "s", RENAME.NOREPLACE))).toBe("EEXIST");
    renameat2(fd, "null", fd, "moved");
    expect(codeOf(() => unlinkat(fd, "d"))).toBe("EISDIR");
    unlinkat(fd, "d", AT.REMOVEDIR);
    for (const name of ["s", "moved", "null2"]) unlinkat(fd, name);
    expect(readDirectory(fd)).toEqual([]);
  });

  test("large device numbers survive", () => {
    mknodat(fd, "big", S.IFBLK | 0o600, makedev(4000, 1048575));
    expect(lstatat(fd, "big").rdev).toEqual({ major: 4000, minor: 1048575 });
    unlinkat(fd, "big");
  });

  test("owner, mode, times to the ns, also before 1970 and of links themselves", () => {
    writeFileSync(join(root, "f"), "12345");
    symlinkat("f", fd, "l");
    lchownat(fd, "l", 5, 6);
    lchownat(fd, "f", 70000, 4294967294);
    fchmodat(fd, "f", 0o4711);
    utimensat(fd, "f", -1n, -1_500_000_001n);
    utimensat(fd, "l", 1n, 123_456_789_987_654_321n);
    expect(lstatat(fd, "f")).toMatchObject({
      mode: S.IFREG | 0o4711,
      uid: 70000,
      gid: 4294967294,
      size: 5,
      atime: -1n,
      mtime: -1_500_000_001n,
      mountRoot: false,
    });
    expect(lstatat(fd, "l")).toMatchObject({ uid: 5, gid: 6, mtime: 123_456_789_987_654_321n });
    using file = new OwnedFd(openat2(fd, "l", { flags: O.PATH | O.NOFOLLOW }));
    expect(readlinkat(file.fd, "").toString()).toBe("f");
    expect(fdstat(file.fd).uid).toBe(5);
    unlinkat(fd, "f");
    unlinkat(fd, "l");
  });

  test("directories are read whole, with types and bytes", () => {
    mkdirat(fd, "many", 0o755);
    using many = new OwnedFd(openat2(fd, "many", { flags: O.RDONLY | O.DIRECTORY }));
    for (let i = 0; i < 3000; i++) symlinkat("x", many.fd, `name-${i}`);
    mkdirat(many.fd, Buffer.from([0xff, 0xfe]), 0o755);
    const entries = readDirectory(many.fd);
    expect(entries.length).toBe(3001);
    expect(entries.filter((entry) => entry.type === DT.LNK).length).toBe(3000);
    expect(entries.find((entry) => entry.type === DT.DIR)?.name).toBe("\u00ff\u00fe");
    expect(readDirectory(many.fd).length).toBe(3001);
    rmSync(join(root, "many"), { recursive: true });
  });
});

describe("openat2", () => {
  test("keeps links inside the root", () => {
    mkdirSync(join(root, "in/etc"), { recursive: true });
    writeFileSync(join(root, "in/etc/passwd"), "inside");
    symlinkat("/etc/passwd", fd, "in/abs");
    symlinkat("../../../../etc/passwd", fd, "in/up");
    using inside = new OwnedFd(openat2(fd, "in", { flags: O.PATH | O.DIRECTORY }));
    for (const path of ["abs", "up", "/etc/passwd", "../../etc/passwd"]) {
      using file = new OwnedFd(openInRoot(inside.fd, path, O.RDONLY));
      expect(readFileSync(file.fd, "utf8")).toBe("inside");
    }
    expect(codeOf(() => openat2(inside.fd, "abs", { flags: O.RDONLY, resolve: RESOLVE.NO_SYMLINKS }))).toBe("ELOOP");
    expect(codeOf(() => openat2(inside.fd, "up", { flags: O.RDONLY, resolve: RESOLVE.BENEATH }))).toBe("EXDEV");
    expect(codeOf(() => openInRoot(inside.fd, "none", O.RDONLY))).toBe("ENOENT");
    rmSync(join(root, "in"), { recursive: true });
  });
});

describe("extended attributes", () => {
  test("set, list, get, remove; of files, of links, by fd", () => {
    const path = join(root, "x");
    writeFileSync(path, "");
    setXattr(path, "user.one", Buffer.from([0, 1, 255]));
    setXattr(path, "user.empty", new Uint8Array(0));
    expect(getXattr(path, "user.one")).toEqual(Buffer.from([0, 1, 255]));
    expect(getXattr(path, "user.empty")).toEqual(Buffer.alloc(0));
    expect(getXattr(path, "user.none")).toBeUndefined();
    expect(listXattrs(path).sort()).toEqual(["user.empty", "user.one"]);
    using file = new OwnedFd(openat2(fd, "x", { flags: O.RDONLY }));
    expect(listXattrs(file.fd).length).toBe(2);
    setXattr(file.fd, "trusted.t", Buffer.from("t"));
    using byPath = new OwnedFd(openat2(fd, "x", { flags: O.PATH }));
    expect(getXattr(`/proc/self/fd/${byPath.fd}`, "trusted.t", true)?.toString()).toBe("t");
    removeXattr(path, "user.one");
    expect(getXattr(file.fd, "user.one")).toBeUndefined();
    symlinkat("x", fd, "xl");
    expect(codeOf(() => setXattr(join(root, "xl"), "user.no", Buffer.from("1")))).toBe("EPERM");
    unlinkat(fd, "x");
    unlinkat(fd, "xl");
  });
});

describe("mounts", () => {
  test("tmpfs by mount(2) and away again", () => {
    const target = join(root, "m");
    mkdirSync(target);
    mount({ source: "none", target, type: "tmpfs", flags: MS.NOSUID | MS.NODEV, data: "size=64k,mode=0700" });
    expect(filesystemOf(target)).toMatchObject({ type: "tmpfs", total: 65536 });
    expect(lstatat(AT.FDCWD, target).mountRoot).toBe(true);
    unmount(target, MNT.DETACH);
    expect(lstatat(AT.FDCWD, target).mountRoot).toBe(false);
    expect(codeOf(() => unmount(target))).toBe("EINVAL");
    expect(codeOf(() => mount({ target, type: "no-such-fs" }))).toBe("ENODEV");
  });

  test("detached by fsopen: usable by its fd, in no mount table until it is attached", () => {
    const target = join(root, "n");
    mkdirSync(target);
    using context = new FsContext("tmpfs");
    context.set("size", "1m");
    using tree = new OwnedFd(context.mount());
    mkdirat(tree.fd, "made", 0o755);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(target);
    attachMount(tree.fd, target);
    expect(statSync(join(target, "made")).isDirectory()).toBe(true);
    using copy = new OwnedFd(openTree(AT.FDCWD, target, OPEN_TREE.CLONE));
    setMountAttributes(copy.fd, { set: MOUNT_ATTR.RDONLY });
    expect(codeOf(() => mkdirat(copy.fd, "other", 0o755))).toBe("EROFS");
    unmount(target, MNT.DETACH);
  });

  test("the kernel's own words are in the error", () => {
    using context = new FsContext("tmpfs");
    expect(() => context.set("nonsense", "1")).toThrow(/fsconfig 'nonsense': EINVAL.*nonsense/);
    expect(codeOf(() => new FsContext("no-such-fs"))).toBe("ENODEV");
  });
});

describe("the rest", () => {
  test("a lock is one holder's", () => {
    writeFileSync(join(root, "lock"), "");
    const [one, two] = [openSync(join(root, "lock"), "r"), openSync(join(root, "lock"), "r")];
    expect(tryLock(one)).toBe(true);
    expect(tryLock(two)).toBe(false);
    expect(tryLock(two, "shared")).toBe(false);
    unlock(one);
    expect(tryLock(two)).toBe(true);
    closeSync(one);
    closeSync(two);
    unlinkat(fd, "lock");
  });

  test("signals by pidfd reach the process, and only it", async () => {
    const child = Bun.spawn(["sleep", "100"]);
    using pidfd = new OwnedFd(pidfdOpen(child.pid));
    pidfdSendSignal(pidfd.fd, 0);
    kill(child.pid, 0);
    pidfdSendSignal(pidfd.fd, 15);
    await child.exited;
    expect(child.signalCode).toBe("SIGTERM");
    expect(codeOf(() => pidfdSendSignal(pidfd.fd, 15))).toBe("ESRCH");
  });

  test("resource limits", () => {
    const shown = spawnSync("sh", ["-c", "ulimit -Hn"]).stdout.toString().trim();
    expect(String(getResourceLimit("nofile").hard ?? "unlimited")).toBe(shown);
    const core = getResourceLimit("core");
    setResourceLimit("core", { soft: 0n, hard: core.hard });
    expect(getResourceLimit("core").soft).toBe(0n);
    setResourceLimit("core", core);
    expect(isResourceName("nofile")).toBe(true);
    expect(isResourceName("constructor")).toBe(false);
  });

  test("copy_file_range", () => {
    writeFileSync(join(root, "from"), "0123456789");
    writeFileSync(join(root, "to"), "");
    const [from, to] = [openSync(join(root, "from"), "r"), openSync(join(root, "to"), "r+")];
    expect(copyFileRange(from, 2, to, 0, 5)).toBe(5);
    expect(copyFileRange(from, 10, to, 5, 5)).toBe(0);
    expect(readFileSync(join(root, "to"), "utf8")).toBe("23456");
    closeSync(from);
    closeSync(to);
  });
});

test("an errno with two names answers to both", () => {
  const error = new SystemError(95, "preadv2");
  expect([isErrno(error, "EOPNOTSUPP"), isErrno(error, "ENOTSUP"), isErrno(error, "EINVAL")]).toEqual([
    true,
    true,
    false,
  ]);
});
