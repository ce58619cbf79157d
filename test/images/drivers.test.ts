// The image verbs on the real drivers, without a daemon: what is imported, loaded and saved can be mounted and read,
// survives from one driver to the other under the same id, and leaves nothing behind when it is removed.

import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DriverName, probeDriver } from "../../src/storage/drivers/open.ts";
import { baseTar } from "../harness/images.ts";
import { debianTar } from "./debian.ts";
import { drain, importOptions, leftOf, NEVER, once, openHouse } from "./house.ts";

const asRoot = process.getuid?.() === 0;
const erofs = asRoot && (await probeDriver(tmpdir())).driver === "erofs";
const debian = await debianTar();
const drivers: readonly DriverName[] = erofs ? ["erofs", "overlay"] : ["overlay"];

const roots: string[] = [];
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true });
});

async function house(name: DriverName, given?: string) {
  const root = given ?? (await mkdtemp(join(tmpdir(), "hoy-test-images-")));
  roots.push(root);
  return openHouse(name, root);
}

describe.skipIf(!asRoot)("images on real drivers (needs root)", () => {
  for (const name of drivers) {
    test(`${name}: import, mount, save, load, remove`, async () => {
      const first = await house(name);
      await drain(await first.images.import(importOptions("busybox"), once(await baseTar()), NEVER));
      const image = await first.shelf.resolve("busybox");
      const [lower = ""] = await first.shelf.lowers(image.id);
      expect(statSync(join(lower, "bin/busybox")).size).toBeGreaterThan(100_000);
      expect(statSync(join(lower, "bin/busybox")).uid).toBe(0);
      for (const other of drivers) {
        const second = await house(other);
        const archive = await first.images.save(["busybox"], { platform: undefined }, NEVER);
        expect(await drain(await second.images.load(archive, { quiet: true, platform: undefined }, NEVER))).toBe(
          "Loaded image: busybox:latest\n",
        );
        const copy = await second.shelf.resolve("busybox");
        expect(copy.id).toBe(image.id);
        const [mounted = ""] = await second.shelf.lowers(copy.id);
        const busybox = (root: string) => readFileSync(join(root, "bin/busybox"));
        expect(busybox(mounted).equals(busybox(lower))).toBe(true);
        await second.images.remove("busybox", { force: false, prune: true });
        expect(leftOf(second.where)).toEqual([]);
      }
      await first.images.remove("busybox", { force: false, prune: true });
      expect(leftOf(first.where)).toEqual([]);
    });
  }

  for (const name of drivers) {
    test(`${name}: a full disk is an error, and nothing stays`, async () => {
      const root = await mkdtemp(join(tmpdir(), "hoy-test-full-"));
      roots.push(root);
      await using _disk = smallDisk(root);
      const { where, images } = await house(name, root);
      leaveFree(root, 1024 * 1024);
      const work = images.import(importOptions("busybox"), once(await baseTar()), NEVER).then(drain);
      await expect(work).rejects.toThrow("no space left on device");
      expect(leftOf(where)).toEqual([]);
      const all = { all: true, digests: false, sharedSize: false, manifests: false, filters: new Map() };
      expect(await images.list(all)).toEqual([]);
    });
  }

  test.skipIf(!erofs)("images of another driver say so, and are whole again once loaded (needs EROFS)", async () => {
    const first = await house("erofs");
    await drain(await first.images.import(importOptions("busybox"), once(await baseTar()), NEVER));
    const archive: Uint8Array[] = [];
    for await (const chunk of await first.images.save(["busybox"], { platform: undefined }, NEVER)) archive.push(chunk);
    const { id } = await first.shelf.resolve("busybox");
    const second = await house("overlay", join(first.where.data, ".."));
    await expect(second.shelf.lowers(id)).rejects.toThrow('is not here for the storage driver "overlay"');
    await drain(await second.images.load(stream(archive), { quiet: true, platform: undefined }, NEVER));
    const [lower = ""] = await second.shelf.lowers(id);
    expect(existsSync(join(lower, "bin/busybox"))).toBe(true);
    await second.images.remove("busybox", { force: false, prune: true });
  });

  const why = "missing" in debian ? ` (skipped: ${debian.missing})` : "";
  test.skipIf("missing" in debian)(
    `a whole Debian comes back as it was, in the same layer${why}`,
    async () => {
      const { shelf, images, where } = await house(drivers[0] ?? "overlay");
      const path = "path" in debian ? debian.path : "";
      await drain(await images.import(importOptions("debian"), createReadStream(path), NEVER));
      const archive: Uint8Array[] = [];
      for await (const chunk of await images.save(["debian"], { platform: undefined }, NEVER)) archive.push(chunk);
      const id = (await shelf.resolve("debian")).id;
      await images.remove("debian", { force: false, prune: true });
      expect(leftOf(where)).toEqual([]);
      await drain(await images.load(stream(archive), { quiet: true, platform: undefined }, NEVER));
      expect((await shelf.resolve("debian")).id).toBe(id);
      const [lower = ""] = await shelf.lowers(id);
      expect(readFileSync(join(lower, "etc/os-release"), "utf8")).toContain("Debian");
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(path)) hash.update(chunk);
      expect((await shelf.resolve("debian")).diffIds).toEqual([`sha256:${hash.digest("hex")}`]);
      await images.remove("debian", { force: false, prune: true });
      expect(leftOf(where)).toEqual([]);
    },
    60_000,
  );
});

async function* stream(chunks: readonly Uint8Array[]) {
  yield* chunks;
}

/** A file system of 8 MiB of its own on `root`: erofs mounts from files on disk file systems only. */
function smallDisk(root: string): AsyncDisposable {
  const image = `${root}.img`;
  const run = (...command: string[]) => {
    const done = Bun.spawnSync(command, { stderr: "pipe" });
    if (done.exitCode !== 0) throw new Error(`${command.join(" ")}: ${done.stderr}`);
  };
  run("truncate", "--size=8M", image);
  run("mkfs.ext4", "-q", "-O", "^has_journal", image);
  run("mount", "-o", "loop", image, root);
  return {
    async [Symbol.asyncDispose]() {
      run("umount", "-l", root);
      await rm(image);
    },
  };
}

function leaveFree(root: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(root);
  writeFileSync(join(root, "filler"), Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
}
