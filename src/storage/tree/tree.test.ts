// Trees of containers: changes and layers of an upper directory, tar out of and into a tree; needs root. The upper
// directories are made by real overlays, as containers make them.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AT, lchownat, mkdirat, mknodat } from "../../linux/at.ts";
import { withFsIds } from "../../linux/fsids.ts";
import {
  attachMount,
  FsContext,
  MNT,
  MOUNT_ATTR,
  OPEN_TREE,
  openTree,
  setMountAttributes,
  unmount,
} from "../../linux/mount.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { lstatat, S } from "../../linux/stat.ts";
import { getXattr, setXattr } from "../../linux/xattr.ts";
import { ErofsDriver } from "../drivers/erofs.ts";
import {
  type ArchiveFile,
  archive,
  collect,
  contents,
  describeTree,
  Scratch,
  seen,
  streamOf,
} from "../drivers/fixture.ts";
import type { TarEntry } from "../tar/entry.ts";
import { readTar } from "../tar/reader.ts";
import { overlayChanges } from "./changes.ts";
import { mountedAndLetGo, openContainerTree } from "./container-tree.ts";
import { extractTar } from "./extract.ts";
import { writeLayerTar } from "./layer-tar.ts";
import { removeTree } from "./remove.ts";
import { treeTar } from "./tree-tar.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(async () => {
  const mounts = scratch.mounts().filter((target) => !target.startsWith(scratch.paths.run));
  await scratch[Symbol.asyncDispose]();
  expect(mounts).toEqual([]);
});

const IMAGE: readonly ArchiveFile[] = [
  { name: "etc/", mtime: 1_600_000_000_500_000_000n },
  { name: "etc/passwd", data: "root" },
  { name: "etc/group", data: "root" },
  { name: "lib/" },
  { name: "lib/a/" },
  { name: "lib/a/one", data: "1" },
  { name: "lib/a/two", data: "2" },
  { name: "tmp/", mode: 0o1777 },
  { name: "bin", type: "symlink", linkname: "lib/a" },
  { name: "abs", type: "symlink", linkname: "/etc" },
];

/** A container of an image, its root changed by `change` through a real overlay. */
async function container(change: (root: string) => void, image: readonly ArchiveFile[] = IMAGE) {
  const driver = await ErofsDriver.open(scratch.paths);
  const { diffId } = await driver.addLayer(streamOf(archive(...image)));
  const lowers = await driver.mountChain([diffId]);
  const upper = join(scratch.path, "upper");
  const work = join(scratch.path, "work");
  mkdirSync(upper);
  mkdirSync(work);
  {
    using tree = openContainerTree({ lowers, upper, work });
    change(`/proc/self/fd/${tree.fd}`);
  }
  return { driver, diffId, lowers, upper, work };
}

function sample(root: string): void {
  writeFileSync(`${root}/etc/passwd`, "changed");
  writeFileSync(`${root}/new`, "n");
  rmSync(`${root}/etc/group`);
  rmSync(`${root}/lib/a`, { recursive: true });
  mkdirSync(`${root}/lib/a`);
  writeFileSync(`${root}/lib/a/two`, "again");
  mkdirSync(`${root}/tmp/d`);
  linkSync(`${root}/new`, `${root}/tmp/d/hard`);
}

describe("changes", () => {
  test("are what docker diff shows: added, modified, deleted, and the directories that lead there", async () => {
    const { upper, lowers } = await container(sample);
    const letters = overlayChanges(upper, lowers).map(({ path, kind }) => `${"CAD"[kind]} ${path}`);
    expect(letters).toEqual([
      "C /etc",
      "D /etc/group",
      "C /etc/passwd",
      "C /lib",
      "C /lib/a",
      "D /lib/a/one",
      "C /lib/a/two",
      "A /new",
      "C /tmp",
      "A /tmp/d",
      "A /tmp/d/hard",
    ]);
  });

  test("none, where a directory was only touched by what came and went", async () => {
    const { upper, lowers } = await container((root) => {
      chmodSync(`${root}/etc/passwd`, 0o644);
      rmSync(`${root}/etc/passwd`);
      writeFileSync(`${root}/etc/passwd`, "root");
      rmSync(`${root}/etc/passwd`);
    });
    expect(overlayChanges(upper, lowers).map(({ path }) => path)).toEqual(["/etc", "/etc/passwd"]);
    const other = join(scratch.path, "other");
    mkdirSync(join(other, "etc"), { recursive: true });
    utimesSync(join(other, "etc"), 1_600_000_000, 1_600_000_000);
    expect(overlayChanges(other, lowers)).toEqual([]);
  });

  test("of an image without layers are all additions; what is omitted is not seen, nor what is in it", async () => {
    const upper = join(scratch.path, "upper");
    mkdirSync(join(upper, "dev/pts"), { recursive: true });
    writeFileSync(join(upper, "f"), "");
    const omit = (path: string) => path === "dev";
    expect(overlayChanges(upper, [], { omit })).toEqual([{ path: "/f", kind: 1 }]);
    expect(overlayChanges(upper, []).length).toBe(3);
  });
});

describe("a layer of an upper directory", () => {
  test("over its image is what the container saw, in both forms of whiteouts, and always the same bytes", async () => {
    const { driver, diffId, lowers, upper, work } = await container((root) => {
      sample(root);
      mknodat(AT.FDCWD, `${root}/tmp/pipe`, S.IFIFO | 0o600, 0);
      lchownat(AT.FDCWD, `${root}/bin`, 5, 6);
      setXattr(`${root}/new`, "user.note", Buffer.from("x"));
      setXattr(`${root}/new`, "security.capability", Buffer.from("0100000200300000000000000000000000000000", "hex"));
      renameSync(`${root}/tmp/d`, `${root}/tmp/moved`);
    });
    let before: Record<string, string>;
    {
      using tree = openContainerTree({ lowers, upper, work });
      before = describeTree(tree.fd);
    }
    const tar = await collect(writeLayerTar(upper));
    const names = (await entriesOf(tar)).map((entry) => entry.name);
    expect(names).toEqual(expect.arrayContaining(["etc/.wh.group", "lib/a/.wh..wh..opq", "tmp/moved/hard"]));
    expect(names.some((name) => name.endsWith("overlay.opaque"))).toBe(false);
    const added = await driver.addLayer(streamOf(tar), {});
    expect(seen(await driver.mountChain([diffId, added.diffId]))).toEqual(before);
    expect((await collect(writeLayerTar(upper))).equals(tar)).toBe(true);
  });

  test("has no sockets, and refuses marks that it can't say", async () => {
    const upper = join(scratch.path, "upper");
    mkdirSync(upper);
    using _server = Bun.listen({ unix: join(upper, "socket"), socket: { data: () => undefined } });
    writeFileSync(join(upper, "f"), "");
    expect((await entriesOf(await collect(writeLayerTar(upper)))).map((entry) => entry.name)).toEqual(["f"]);
    mkdirSync(join(upper, "d"));
    setXattr(join(upper, "d"), "trusted.overlay.redirect", Buffer.from("/elsewhere"));
    expect(() => collect(writeLayerTar(upper))).toThrow(/trusted.overlay.redirect/);
  });
});

describe("a tree as tar", () => {
  test("of a directory, its contents only, a file, a link and what it leads to", async () => {
    const { lowers } = await container(() => undefined);
    using tree = openContainerTree({ lowers });
    const names = async (path: string, as: string, follow = false) =>
      (await entriesOf(await collect(treeTar(tree.fd, path, { as, follow })))).map(
        ({ name, type }) => `${name} ${type}`,
      );
    expect(await names("/lib", "lib")).toEqual(["lib/ dir", "lib/a/ dir", "lib/a/one file", "lib/a/two file"]);
    expect(await names("/lib/a", "")).toEqual(["one file", "two file"]);
    expect(await names("/bin/one", "renamed")).toEqual(["renamed file"]);
    expect(await names("/bin", "bin")).toEqual(["bin symlink"]);
    expect(await names("/bin", "bin", true)).toEqual(["bin/ dir", "bin/one file", "bin/two file"]);
    expect(await names("/abs/passwd", "p")).toEqual(["p file"]);
    await expect(collect(treeTar(tree.fd, "/none", { as: "x" }))).rejects.toMatchObject({
      code: "not-found",
      message: "Could not find the file /none",
    });
  });

  test("is the archive that GNU tar takes", async () => {
    const { lowers } = await container(() => undefined);
    using tree = openContainerTree({ lowers });
    const out = join(scratch.path, "out");
    mkdirSync(out);
    execFileSync("tar", ["-xpf", "-", "-C", out], { input: await collect(treeTar(tree.fd, "/", { as: "" })) });
    using unpacked = new OwnedFd(openSync(out, O.RDONLY));
    expect(describeTree(unpacked.fd)).toEqual(describeTree(tree.fd));
  });

  test("with one file system: mounts are empty; without: they are in it", async () => {
    const root = join(scratch.path, "tree");
    mkdirSync(join(root, "m"), { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "none", join(root, "m")]);
    try {
      writeFileSync(join(root, "m/f"), "f");
      using fd = new OwnedFd(openSync(root, O.RDONLY));
      const names = async (oneFilesystem: boolean) =>
        (await entriesOf(await collect(treeTar(fd.fd, "/", { as: "", oneFilesystem })))).map(({ name }) => name);
      expect(await names(true)).toEqual(["m/"]);
      expect(await names(false)).toEqual(["m/", "m/f"]);
    } finally {
      execFileSync("umount", [join(root, "m")]);
    }
  });

  test("shows owners as a container with shifted ids knows them", async () => {
    const root = join(scratch.path, "tree");
    mkdirSync(root);
    writeFileSync(join(root, "f"), "");
    lchownat(AT.FDCWD, join(root, "f"), 100_033, 200_005);
    writeFileSync(join(root, "hosts"), "");
    using fd = new OwnedFd(openSync(root, O.RDONLY));
    const shift = { uidBase: 100_000, gidBase: 200_000, size: 65536 };
    const entries = await entriesOf(await collect(treeTar(fd.fd, "/", { as: "", shift })));
    expect(entries.map(({ uid, gid }) => [uid, gid])).toEqual([
      [33, 5],
      [65534, 65534],
    ]);
  });

  test("can be called off, and closes what it has open", async () => {
    const { lowers } = await container(() => undefined);
    using tree = openContainerTree({ lowers });
    const open = readdirSync("/proc/self/fd").length;
    await expect(collect(treeTar(tree.fd, "/", { as: "", signal: AbortSignal.abort() }))).rejects.toMatchObject({
      code: "cancelled",
    });
    const reading = treeTar(tree.fd, "/", { as: "" });
    await reading.next();
    await reading.return();
    expect(readdirSync("/proc/self/fd").length).toBe(open);
  });
});

describe("unpacking into a tree", () => {
  test("puts files where the container's own links lead, never the host's", async () => {
    const outside = join(scratch.path, "outside");
    mkdirSync(outside);
    const { lowers, upper, work } = await container((root) => {
      symlinkSync(outside, `${root}/escape`);
      symlinkSync("../../../../../../../..", `${root}/up`);
    });
    using tree = openContainerTree({ lowers, upper, work });
    const files: ArchiveFile[] = [
      { name: "abs/made", data: "1", uid: 7, mode: 0o4755 },
      { name: "bin/made", data: "2" },
      { name: "up/made", data: "3" },
      { name: "new/dir/made", data: "4" },
      { name: "link", type: "symlink", linkname: "/etc/passwd" },
      { name: "hard", type: "hardlink", linkname: "abs/made" },
    ];
    await extractTar(tree.fd, "/", streamOf(archive(...files), 700));
    const root = `/proc/self/fd/${tree.fd}`;
    expect(readFileSync(`${root}/etc/made`, "utf8")).toBe("1");
    expect(statSync(`${root}/etc/made`)).toMatchObject({
      uid: 7,
      mode: 0o104755,
      nlink: 2,
      mtimeMs: 1_700_000_000_000,
    });
    expect(readFileSync(`${root}/lib/a/made`, "utf8")).toBe("2");
    expect(readFileSync(`${root}/made`, "utf8")).toBe("3");
    expect(readFileSync(`${root}/new/dir/made`, "utf8")).toBe("4");
    await expect(extractTar(tree.fd, "/", streamOf(archive({ name: "escape/x" })))).rejects.toMatchObject({
      code: "invalid",
      message: "not a directory: //escape",
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(existsSync("/made")).toBe(false);
  });

  test.each([
    ["..", archive({ name: "../../escape" })],
    ["a hard link out", archive({ name: "h", type: "hardlink", linkname: "../../etc/passwd" })],
    ["half an archive", archive({ name: "f", data: "x".repeat(3000) }).subarray(0, 2000)],
    ["no archive", Buffer.alloc(2000, "no")],
  ])("refuses %s", async (_, bytes) => {
    const { lowers, upper, work } = await container(() => undefined);
    using tree = openContainerTree({ lowers, upper, work });
    await expect(extractTar(tree.fd, "/tmp", streamOf(bytes))).rejects.toMatchObject({ code: "invalid" });
  });

  test("wants its directory to be there", async () => {
    const { lowers, upper, work } = await container(() => undefined);
    using tree = openContainerTree({ lowers, upper, work });
    for (const path of ["/none", "/etc/passwd"]) {
      await expect(extractTar(tree.fd, path, streamOf(archive()))).rejects.toMatchObject({ code: "not-found" });
    }
  });

  test("replaces files and links themselves, and directories only when it may", async () => {
    const { lowers, upper, work } = await container(() => undefined);
    using tree = openContainerTree({ lowers, upper, work });
    const root = `/proc/self/fd/${tree.fd}`;
    const put = (path: string, file: ArchiveFile, noOverwriteDirNonDir = false) =>
      extractTar(tree.fd, path, streamOf(archive(file)), { noOverwriteDirNonDir });
    await expect(put("/", { name: "lib", data: "x" }, true)).rejects.toThrow(
      'cannot overwrite directory "lib" with non-directory "lib"',
    );
    await expect(put("/etc", { name: "passwd/" }, true)).rejects.toThrow(
      'cannot overwrite non-directory "passwd" with directory "passwd/"',
    );
    await put("/", { name: "lib", data: "x" });
    await put("/etc", { name: "passwd/", mode: 0o700 });
    await put("/", { name: "abs", data: "now a file" });
    expect(readFileSync(`${root}/lib`, "utf8")).toBe("x");
    expect(statSync(`${root}/etc/passwd`).isDirectory()).toBe(true);
    expect(readFileSync(`${root}/abs`, "utf8")).toBe("now a file");
    expect(existsSync(`${root}/etc/group`)).toBe(true);
  });

  test("as a user, with shifted ids, also of capabilities", async () => {
    const root = join(scratch.path, "tree");
    mkdirSync(root);
    using fd = new OwnedFd(openSync(root, O.RDONLY));
    const shift = { uidBase: 100_000, gidBase: 200_000, size: 65536 };
    const capability = Buffer.from("0100000200300000000000000000000000000000", "hex");
    const file: ArchiveFile = {
      name: "d/f",
      data: "x",
      uid: 5,
      gid: 6,
      xattrs: new Map([["security.capability", capability]]),
    };
    await extractTar(fd.fd, "/", streamOf(archive(file)), { shift });
    expect(statSync(join(root, "d/f"))).toMatchObject({ uid: 100_005, gid: 200_006 });
    expect(statSync(join(root, "d"))).toMatchObject({ uid: 100_000, gid: 200_000 });
    expect(getXattr(join(root, "d/f"), "security.capability")?.toString("hex")).toStartWith("01000003");
    const back = await entriesOf(await collect(treeTar(fd.fd, "/", { as: "", shift })));
    expect(back[1]).toMatchObject({ name: "d/f", uid: 5, gid: 6 });
    expect(Buffer.from(back[1]?.xattrs.get("security.capability") ?? []).equals(capability)).toBe(true);
    await extractTar(fd.fd, "/", streamOf(archive({ name: "o" })), { shift, owner: { uid: 1000, gid: 50 } });
    expect(statSync(join(root, "o"))).toMatchObject({ uid: 101_000, gid: 200_050 });
    await expect(
      extractTar(fd.fd, "/", streamOf(archive({ name: "n", uid: 70_000 })), { shift }),
    ).rejects.toMatchObject({
      code: "invalid",
    });
  });

  test("what went out comes back the same", async () => {
    const { lowers, upper, work } = await container(sample);
    using tree = openContainerTree({ lowers, upper, work });
    const copy = join(scratch.path, "copy");
    mkdirSync(copy);
    using fd = new OwnedFd(openSync(copy, O.RDONLY));
    await extractTar(fd.fd, "/", treeTar(tree.fd, "/", { as: "" }));
    expect(describeTree(fd.fd)).toEqual(describeTree(tree.fd));
  });
});

test("a kernel that takes no layers one by one: mounted the old way, and as well in no table", async () => {
  const { lowers, upper, work } = await container(() => undefined);
  const mounts = scratch.mounts();
  using tree = new OwnedFd(mountedAndLetGo({ lowers, upper, work }));
  expect(scratch.mounts()).toEqual(mounts);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain("hoy-tree-");
  await extractTar(tree.fd, "/abs", streamOf(archive({ name: "made", data: "x" })));
  expect(readFileSync(join(upper, "etc/made"), "utf8")).toBe("x");
});

describe("a running container of its own user namespace", () => {
  test("takes and gives files through its root, with its own ids, also of capabilities", async () => {
    const { lowers, upper } = await container(() => undefined);
    const parent = join(scratch.path, "parent");
    mkdirSync(parent);
    renameSync(upper, join(parent, "upper"));
    mkdirSync(join(parent, "work"));
    const base = 1_000_000;
    using namespace = await userNamespace(base);
    // As the shim does it: lower and upper are seen through idmapped mounts, the overlay is made as the mapped root.
    const mapped = (path: string) => {
      using tree = new OwnedFd(openTree(AT.FDCWD, path, OPEN_TREE.CLONE));
      setMountAttributes(tree.fd, { set: MOUNT_ATTR.IDMAP, userNamespace: namespace.fd });
      const target = join(scratch.path, `mapped-${scratch.mounts().length}`);
      mkdirSync(target);
      attachMount(tree.fd, target);
      return target;
    };
    const idmapped = { lower: mapped(lowers[0] ?? ""), parent: mapped(parent) };
    try {
      using root = new OwnedFd(
        withFsIds(base, base, () => {
          using context = new FsContext("overlay");
          context.set("lowerdir+", idmapped.lower);
          context.set("upperdir", join(idmapped.parent, "upper"));
          context.set("workdir", join(idmapped.parent, "work"));
          return context.mount();
        }),
      );
      const shift = { uidBase: base, gidBase: base, size: 65536 };
      const capability = Buffer.from("0100000200300000000000000000000000000000", "hex");
      const files: ArchiveFile[] = [
        { name: "etc/made", data: "x", uid: 5, gid: 6, xattrs: new Map([["security.capability", capability]]) },
        { name: "etc/d/", uid: 7, mode: 0o700 },
        { name: "etc/d/l", type: "symlink", linkname: "x", uid: 8 },
        { name: "etc/passwd", data: "replaced" },
      ];
      await extractTar(root.fd, "/", streamOf(archive(...files)), { shift });
      const onDisk = (name: string) => lstatat(AT.FDCWD, join(parent, "upper/etc", name));
      expect(onDisk("made")).toMatchObject({ uid: 5, gid: 6 });
      expect(onDisk("d")).toMatchObject({ uid: 7, gid: 0, mode: S.IFDIR | 0o700 });
      expect(onDisk("d/l").uid).toBe(8);
      expect(getXattr(join(parent, "upper/etc/made"), "security.capability")?.equals(capability)).toBe(true);
      const back = await entriesOf(await collect(treeTar(root.fd, "/etc", { as: "etc", shift })));
      const made = back.find((entry) => entry.name === "etc/made");
      expect(made).toMatchObject({ uid: 5, gid: 6 });
      expect(Buffer.from(made?.xattrs.get("security.capability") ?? []).equals(capability)).toBe(true);
      expect(back.find((entry) => entry.name === "etc/group")).toMatchObject({ uid: 0, gid: 0 });
    } finally {
      unmount(idmapped.lower, MNT.DETACH);
      unmount(idmapped.parent, MNT.DETACH);
    }
  });

  async function userNamespace(base: number): Promise<OwnedFd> {
    const holder = Bun.spawn(["unshare", "-U", "sleep", "60"]);
    try {
      const own = readlinkSync("/proc/self/ns/user");
      while (readlinkSync(`/proc/${holder.pid}/ns/user`) === own) await Bun.sleep(5);
      for (const map of ["uid_map", "gid_map"]) writeFileSync(`/proc/${holder.pid}/${map}`, `0 ${base} 65536`);
      return new OwnedFd(openSync(`/proc/${holder.pid}/ns/user`, O.RDONLY));
    } finally {
      holder.kill();
      await holder.exited;
    }
  }
});

test("removing a tree: deep, with odd names and links, and only it", async () => {
  const root = join(scratch.path, "tree");
  const outside = join(scratch.path, "outside");
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(join(outside, "kept"), "");
  symlinkSync(outside, join(root, "link"));
  // Deeper than any path can be, so made from the bottom up.
  for (let depth = 0; depth < 2100; depth++) {
    mkdirSync(join(root, "next"));
    writeFileSync(join(root, "next/f"), "");
    if (depth > 0) renameSync(join(root, "d"), join(root, "next/d"));
    renameSync(join(root, "next"), join(root, "d"));
  }
  mkdirat(AT.FDCWD, Buffer.from(`${root}/a\xffb`, "latin1"), 0o755);
  mknodat(AT.FDCWD, Buffer.from(`${root}/a\xffb/\xfe`, "latin1"), S.IFREG, 0);
  await removeTree(root);
  await removeTree(root);
  expect(existsSync(root)).toBe(false);
  expect(existsSync(join(outside, "kept"))).toBe(true);
}, 30_000);

test("a tree of one directory, of lowers only, and with an upper", async () => {
  const { lowers } = await container(() => undefined);
  expect(contents(lowers)["etc/passwd"]).toBe("root");
  const other = join(scratch.path, "other");
  mkdirSync(other);
  writeFileSync(join(other, "top"), "t");
  expect(contents([other, ...lowers])).toMatchObject({ top: "t", "etc/passwd": "root" });
  expect(() => openContainerTree({ lowers: [] })).toThrow("needs a directory");
  expect(() => openContainerTree({ lowers, upper: other })).toThrow("needs a work");
});

async function entriesOf(tar: Uint8Array): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const { entry } of readTar(streamOf(tar))) entries.push(entry);
  return entries;
}
