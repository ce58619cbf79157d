// Trees of containers: mounted nowhere while they don't run, and through idmapped mounts while they do; needs root.

import { describe, expect, test } from "bun:test";
import { mkdirSync, openSync, readFileSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AT } from "../../linux/at.ts";
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
import { getXattr } from "../../linux/xattr.ts";
import { type ArchiveFile, archive, collect, contents, streamOf } from "../drivers/fixture.ts";
import { mountedAndLetGo, openContainerTree } from "./container-tree.ts";
import { extractTar } from "./extract.ts";
import { container, entriesOf, useScratch } from "./fixture.ts";
import { treeTar } from "./tree-tar.ts";

const scratch = useScratch();

test("a kernel that takes no layers one by one: mounted the old way, and as well in no table", async () => {
  const { lowers, upper, work } = await container(scratch, () => undefined);
  const mounts = scratch.mounts();
  using tree = new OwnedFd(mountedAndLetGo({ lowers, upper, work }));
  expect(scratch.mounts()).toEqual(mounts);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain("hoy-tree-");
  await extractTar(tree.fd, "/abs", streamOf(archive({ name: "made", data: "x" })));
  expect(readFileSync(join(upper, "etc/made"), "utf8")).toBe("x");
});

describe("a running container of its own user namespace", () => {
  test("takes and gives files through its root, with its own ids, also of capabilities", async () => {
    const { lowers, upper } = await container(scratch, () => undefined);
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

test("a tree of one directory, of lowers only, and with an upper", async () => {
  const { lowers } = await container(scratch, () => undefined);
  expect(contents(lowers)["etc/passwd"]).toBe("root");
  const other = join(scratch.path, "other");
  mkdirSync(other);
  writeFileSync(join(other, "top"), "t");
  expect(contents([other, ...lowers])).toMatchObject({ top: "t", "etc/passwd": "root" });
  expect(() => openContainerTree({ lowers: [] })).toThrow("needs a directory");
  expect(() => openContainerTree({ lowers, upper: other })).toThrow("needs a work");
});
