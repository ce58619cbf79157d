// Changes and layers of upper directories that real overlays made; needs root.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AT, lchownat, mknodat } from "../../linux/at.ts";
import { S } from "../../linux/stat.ts";
import { setXattr } from "../../linux/xattr.ts";
import { collect, describeTree, seen, streamOf } from "../drivers/fixture.ts";
import { overlayChanges } from "./changes.ts";
import { openContainerTree } from "./container-tree.ts";
import { container, entriesOf, sample, useScratch } from "./fixture.ts";
import { writeLayerTar } from "./layer-tar.ts";

const scratch = useScratch();

describe("changes", () => {
  test("are what docker diff shows: added, modified, deleted, and the directories that lead there", async () => {
    const { upper, lowers } = await container(scratch, sample);
    const letters = (await overlayChanges(upper, lowers)).map(({ path, kind }) => `${"CAD"[kind]} ${path}`);
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
    const { upper, lowers } = await container(scratch, (root) => {
      chmodSync(`${root}/etc/passwd`, 0o644);
      rmSync(`${root}/etc/passwd`);
      writeFileSync(`${root}/etc/passwd`, "root");
      rmSync(`${root}/etc/passwd`);
    });
    expect((await overlayChanges(upper, lowers)).map(({ path }) => path)).toEqual(["/etc", "/etc/passwd"]);
    const other = join(scratch.path, "other");
    mkdirSync(join(other, "etc"), { recursive: true });
    utimesSync(join(other, "etc"), 1_600_000_000, 1_600_000_000);
    expect(await overlayChanges(other, lowers)).toEqual([]);
  });

  test("of an image without layers are all additions; what is omitted is not seen, nor what is in it", async () => {
    const upper = join(scratch.path, "upper");
    mkdirSync(join(upper, "dev/pts"), { recursive: true });
    writeFileSync(join(upper, "f"), "");
    const omit = (path: string) => path === "dev";
    expect(await overlayChanges(upper, [], { omit })).toEqual([{ path: "/f", kind: 1 }]);
    expect((await overlayChanges(upper, [])).length).toBe(3);
  });
});

describe("a layer of an upper directory", () => {
  test("over its image is what the container saw, in both forms of whiteouts, and always the same bytes", async () => {
    const { driver, diffId, lowers, upper, work } = await container(scratch, (root) => {
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
