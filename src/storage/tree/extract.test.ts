// Archives into trees: where they land, what is refused, and whose the files are; needs root.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { O, OwnedFd } from "../../linux/open.ts";
import { getXattr } from "../../linux/xattr.ts";
import { type ArchiveFile, archive, collect, describeTree, streamOf } from "../drivers/fixture.ts";
import { openContainerTree } from "./container-tree.ts";
import { extractTar } from "./extract.ts";
import { container, entriesOf, sample, useScratch } from "./fixture.ts";
import { treeTar } from "./tree-tar.ts";

const scratch = useScratch();

describe("unpacking into a tree", () => {
  test("puts files where the container's own links lead, never the host's", async () => {
    const outside = join(scratch.path, "outside");
    mkdirSync(outside);
    const { lowers, upper, work } = await container(scratch, (root) => {
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
    const { lowers, upper, work } = await container(scratch, () => undefined);
    using tree = openContainerTree({ lowers, upper, work });
    await expect(extractTar(tree.fd, "/tmp", streamOf(bytes))).rejects.toMatchObject({ code: "invalid" });
  });

  test("wants its directory to be there", async () => {
    const { lowers, upper, work } = await container(scratch, () => undefined);
    using tree = openContainerTree({ lowers, upper, work });
    for (const path of ["/none", "/etc/passwd"]) {
      await expect(extractTar(tree.fd, path, streamOf(archive()))).rejects.toMatchObject({ code: "not-found" });
    }
  });

  test("replaces files and links themselves, and directories only when it may", async () => {
    const { lowers, upper, work } = await container(scratch, () => undefined);
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
    const { lowers, upper, work } = await container(scratch, sample);
    using tree = openContainerTree({ lowers, upper, work });
    const copy = join(scratch.path, "copy");
    mkdirSync(copy);
    using fd = new OwnedFd(openSync(copy, O.RDONLY));
    await extractTar(fd.fd, "/", treeTar(tree.fd, "/", { as: "" }));
    expect(describeTree(fd.fd)).toEqual(describeTree(tree.fd));
  });
});
