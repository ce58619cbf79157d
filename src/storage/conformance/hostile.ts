// Archives that lie, streams that break, disks that are full: an error, and nothing half-made.

import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import type { Paths } from "../../base/paths.ts";
import { type ArchiveFile, archive, contents, seen, streamOf } from "../drivers/fixture.ts";
import { leftovers, type OpenDriver, setUp } from "./set-up.ts";

export function hostileContract(open: OpenDriver): void {
  describe("hostile archives", () => {
    const link = (name: string, linkname: string): ArchiveFile => ({ name, type: "symlink", linkname });
    const hard = (name: string, linkname: string): ArchiveFile => ({ name, type: "hardlink", linkname });
    const refused: [string, Uint8Array, RegExp][] = [
      ["..", archive({ name: "../escape", data: "x" }), /"\.\."/],
      [".. in the middle", archive({ name: "a/" }, { name: "a/../../escape" }), /"\.\."/],
      ["a file as a directory", archive({ name: "f" }, { name: "f/g" }), /not a directory/],
      ["links in a circle", archive(link("a", "b"), link("b", "a"), { name: "a/f" }), /too many links/],
      ["a hard link to a file outside", archive(hard("h", "/etc/passwd")), /not in the layer/],
      ["a hard link by ..", archive(hard("h", "../../../etc/passwd")), /"\.\."/],
      ["a hard link through a link", archive(link("l", "/etc"), hard("h", "l/passwd")), /not in the layer/],
      ["a hard link to a directory", archive({ name: "d/" }, hard("h", "d")), /a directory/],
      [
        "a hard link in the place of a directory above its target",
        archive({ name: "d/f" }, hard("d", "d/f")),
        /above its target/,
      ],
      ["a file as the root", archive({ name: "." }), /root is not a directory/],
      ["a part of 256 bytes", archive({ name: "n".repeat(256) }), /longer than 255/],
      ["a whiteout of nothing", archive({ name: "d/.wh." }), /whiteout/],
      ["a whiteout of ..", archive({ name: "d/.wh..." }), /whiteout/],
      ["something in a whiteout", archive({ name: ".wh.d/f" }), /inside a whiteout/],
      [
        "a capability that is none",
        archive({ name: "f", xattrs: new Map([["security.capability", Buffer.from("x")]]) }),
        /capability/,
      ],
      ["half an archive", archive({ name: "f", data: "x".repeat(2000) }).subarray(0, 1500), /unexpected end/],
      ["no archive", Buffer.from("<html>not found</html>".repeat(100)), /checksum/],
    ];
    test.each(refused)("%s: refused, and nothing stays", async (_, bytes, message) => {
      await using it = await setUp(open);
      let thrown: unknown;
      try {
        await it.add(bytes);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ name: "HoyError", code: "invalid" });
      expect(String(thrown)).toMatch(message);
      expect(await it.driver.listLayers()).toEqual([]);
      expect(leftovers(it.scratch.paths)).toEqual([]);
      expect(readdirSync(it.scratch.path).sort()).toEqual(
        ["data", "run"].filter((n) => existsSync(join(it.scratch.path, n))),
      );
    });

    test("names and links that lead out end inside", async () => {
      await using it = await setUp(open);
      const outside = join(it.scratch.path, "outside");
      mkdirSync(outside);
      const { lowers } = await it.chain([
        { name: "/abs", data: "abs" },
        link("out", outside),
        { name: "out/file", data: "in" },
        link("up", "../../../../../../../../tmp"),
        { name: "up/file", data: "tmp" },
        link("self", "/real"),
        { name: "self/f", data: "s" },
        { name: "real/", mode: 0o700 },
      ]);
      expect(readdirSync(outside)).toEqual([]);
      expect(existsSync("/abs")).toBe(false);
      const found = contents(lowers);
      expect(found).toMatchObject({ abs: "abs", "tmp/file": "tmp", "real/f": "s", "real/": "" });
      expect(found[`${outside.slice(1)}/file`]).toBe("in");
    });

    test("a link that a later entry replaces is no way out either", async () => {
      await using it = await setUp(open);
      const { lowers } = await it.chain([
        { name: "d/" },
        { name: "d/f", data: "old" },
        link("d", "/etc"),
        { name: "d/made", data: "in" },
        { name: "etc/", mode: 0o711 },
        { name: "etc", data: "now a file" },
      ]);
      expect(contents(lowers)).toEqual({ d: "-> /etc", etc: "now a file" });
      expect(existsSync("/etc/made")).toBe(false);
    });

    test("overlay's own attributes and devices have no power from inside an archive", async () => {
      await using it = await setUp(open);
      const marks = new Map([
        ["trusted.overlay.redirect", Buffer.from("/secret")],
        ["trusted.overlay.opaque", Buffer.from("y")],
        ["user.kept", Buffer.from("1")],
      ]);
      const { lowers } = await it.chain(
        [
          { name: "d/" },
          { name: "d/below", data: "b" },
          { name: "secret/" },
          { name: "secret/s", data: "s" },
          { name: "w" },
        ],
        [
          { name: "d/", xattrs: marks },
          { name: "w", type: "char", device: { major: 0, minor: 0 } },
        ],
      );
      expect(contents(lowers)).toEqual({ "d/": "", "d/below": "b", "secret/": "", "secret/s": "s" });
      expect(seen(lowers).d).toContain("user.kept=31");
    });

    test("a wrong digest: refused with both named, and nothing stays", async () => {
      await using it = await setUp(open);
      const bytes = archive({ name: "f" });
      const expected = sha256("something else");
      const adding = it.driver.addLayer(streamOf(bytes), { expected });
      await expect(adding).rejects.toMatchObject({
        code: "invalid",
        message: `wrong digest of a layer: expected ${expected}, got ${sha256(bytes)}`,
      });
      expect(await it.driver.listLayers()).toEqual([]);
      expect(leftovers(it.scratch.paths)).toEqual([]);
    });

    test("a stream that breaks, and one that is called off", async () => {
      await using it = await setUp(open);
      const bytes = archive({ name: "f", data: "x".repeat(100_000) });
      const broken = (async function* () {
        yield bytes.subarray(0, 5000);
        throw new Error("the connection was reset");
      })();
      await expect(it.driver.addLayer(broken)).rejects.toThrow("the connection was reset");
      const controller = new AbortController();
      const slow = (async function* () {
        for await (const piece of streamOf(bytes, 10_000)) {
          controller.abort();
          yield piece;
        }
      })();
      const adding = it.driver.addLayer(slow, { signal: controller.signal });
      await expect(adding).rejects.toMatchObject({ code: "cancelled" });
      expect(await it.driver.listLayers()).toEqual([]);
      expect(leftovers(it.scratch.paths)).toEqual([]);
    });

    test("a full disk: said, nothing stays, and what fits still goes", async () => {
      await using it = await setUp(open);
      const small: Paths = { data: join(it.scratch.path, "small"), run: join(it.scratch.path, "small-run") };
      mkdirSync(small.data);
      const disk = join(it.scratch.path, "disk");
      writeFileSync(disk, "");
      truncateSync(disk, 4 << 20);
      execFileSync("mkfs.ext4", ["-q", disk]);
      execFileSync("mount", ["-o", "loop", disk, small.data]);
      const driver = await open(small);
      const large = archive({ name: "f", data: Buffer.alloc(5_000_000, 1) });
      await expect(driver.addLayer(streamOf(large))).rejects.toMatchObject({ code: "ENOSPC" });
      expect(leftovers(small)).toEqual([]);
      const fits = archive({ name: "f", data: Buffer.alloc(500_000, 1) });
      const { diffId } = await driver.addLayer(streamOf(fits));
      expect(Object.keys(contents(await driver.mountChain([diffId])))).toEqual(["f"]);
      await driver.removeChain([diffId]);
    });

    test("a million and one entries: too large, and said before the disk is full", async () => {
      await using it = await setUp(open);
      const block = archive({ name: "same/", type: "dir" }).subarray(0, 512);
      const many = Buffer.alloc(512 * 2048);
      for (let at = 0; at < many.length; at += 512) many.set(block, at);
      let sent = 0;
      const endless = (async function* () {
        for (;;) {
          sent += many.length;
          yield many;
        }
      })();
      const adding = it.driver.addLayer(endless);
      await expect(adding).rejects.toMatchObject({ code: "too-large" });
      expect(sent).toBeLessThan(600 * 1024 * 1024);
      expect(leftovers(it.scratch.paths)).toEqual([]);
    }, 120_000);
  });
}
