// A layer's tree as the kernel shows it, against what GNU tar makes of the same archive: every entry, every attribute.

import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describeDirectory, seen } from "../drivers/fixture.ts";
import { richTree } from "../drivers/rich-tree.ts";
import { type OpenDriver, setUp } from "./set-up.ts";

export function treesContract(open: OpenDriver): void {
  describe("a tree", () => {
    test.each(["gnu", "posix", "gnu-sparse", "posix-sparse"])(
      "is what tar -x makes of the same archive (%s): types, modes, owners, times, attributes, links, holes",
      async (format) => {
        await using it = await setUp(open);
        const source = join(it.scratch.path, format);
        richTree(source);
        const [kind = "", sparse] = format.split("-");
        const args = ["--format", kind, "--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "-C", source];
        if (kind === "gnu") args.splice(args.indexOf("--xattrs"), 3);
        if (sparse !== undefined) args.unshift("--sparse");
        const bytes = execFileSync("tar", [...args, "-cf", "-", "."], { maxBuffer: 256 << 20 });
        const unpacked = join(it.scratch.path, `${format}-unpacked`);
        mkdirSync(unpacked);
        execFileSync(
          "tar",
          ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "-xpf", "-", "-C", unpacked],
          {
            input: bytes,
          },
        );
        const wanted = describeDirectory(unpacked);
        expect(Object.keys(wanted).length).toBeGreaterThan(900);
        const lowers = await it.driver.mountChain([await it.add(bytes)]);
        expect(seen(lowers)).toEqual(wanted);
      },
      60_000,
    );

    test("of a directory of this machine is the same", async () => {
      await using it = await setUp(open);
      const bytes = execFileSync(
        "tar",
        ["--numeric-owner", "--format=posix", "-C", "/usr/share", "-cf", "-", "perl5"],
        {
          maxBuffer: 256 << 20,
        },
      );
      const unpacked = join(it.scratch.path, "unpacked");
      mkdirSync(unpacked);
      execFileSync("tar", ["--numeric-owner", "-xpf", "-", "-C", unpacked], { input: bytes });
      expect(seen(await it.driver.mountChain([await it.add(bytes)]))).toEqual(describeDirectory(unpacked));
    }, 60_000);

    test("keeps what is set on its root", async () => {
      await using it = await setUp(open);
      const { lowers } = await it.chain([
        { name: "./", mode: 0o1711, uid: 5, gid: 6, mtime: 123_456_789n },
        { name: "f" },
      ]);
      const status = execFileSync("stat", ["-c", "%a %u %g %.Y", lowers[0] ?? ""])
        .toString()
        .trim();
      expect(status).toStartWith("1711 5 6 0.123456789");
    });
  });
}
