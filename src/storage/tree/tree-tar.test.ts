// Trees as tar streams: what is in them, under which names, and that nothing stays open; needs root.

import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdirSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AT, lchownat } from "../../linux/at.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { collect, describeTree } from "../drivers/fixture.ts";
import { openContainerTree } from "./container-tree.ts";
import { container, entriesOf, useScratch } from "./fixture.ts";
import { treeTar } from "./tree-tar.ts";

const scratch = useScratch();

describe("a tree as tar", () => {
  test("of a directory, its contents only, a file, a link and what it leads to", async () => {
    const { lowers } = await container(scratch, () => undefined);
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
    const { lowers } = await container(scratch, () => undefined);
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
    const { lowers } = await container(scratch, () => undefined);
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
