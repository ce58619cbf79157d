// Volumes on a disk of their own, as many hosts have them: one with reflinks, and one that is full.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { filesystemOf } from "../../src/linux/statfs.ts";
import { fails, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { TestDaemon } from "../harness/daemon.ts";
import { mountDisk } from "../harness/disks.ts";
import { importBase } from "../harness/images.ts";

const NET = ["--network", "none"];
const MiB = 2 ** 20;

/** A daemon whose volumes are on a file system of their own, and a `test` that is skipped where that can't be had. */
async function onDisk(mkfs: readonly string[], size: number) {
  const hoy = new TestDaemon({});
  mkdirSync(hoy.data, { mode: 0o711 });
  const volumes = join(hoy.data, "volumes");
  const disk = await mountDisk(volumes, { mkfs, options: "noatime", size });
  if (typeof disk !== "string") {
    await hoy.up();
    await importBase(hoy, "busybox");
  }
  afterAll(async () => {
    if (typeof disk !== "string") {
      await hoy.down();
      await disk.unmount();
    }
    await hoy.close();
  }, 60_000);
  const on = (name: string, body: () => Promise<void>) =>
    typeof disk === "string" ? test.skip(`${name} (skipped: ${disk})`, body) : test(name, body);
  const sh = (flags: readonly string[], script: string, image = "busybox") =>
    hoy.hoy("run", "--rm", ...NET, ...flags, image, "sh", "-c", script);
  return { hoy, volumes, on, sh };
}

async function used(path: string): Promise<number> {
  await command(["sync", "-f", path]);
  const { total, free } = filesystemOf(path);
  return total - free;
}

describe("volumes on btrfs", async () => {
  const { hoy, volumes, on, sh } = await onDisk(["mkfs.btrfs", "-q"], 256 * MiB);

  on("snapshot and restore share what is the same, and only that", async () => {
    const [volume, snapshot] = [unique("v"), unique("s")];
    await ok(sh(["-v", `${volume}:/d`], "dd if=/dev/urandom of=/d/big bs=1M count=32; echo old >/d/f"));
    const before = await used(volumes);
    await ok(hoy.hoy("volume", "snapshot", volume, snapshot));
    expect((await used(volumes)) - before).toBeLessThan(8 * MiB);
    await ok(sh(["-v", `${volume}:/d`], "echo new >/d/f; dd if=/dev/zero of=/d/big bs=1k count=1 conv=notrunc"));
    const different = "cmp /a/big /b/big >/dev/null; echo $?; cat /a/f /b/f";
    expect(await ok(sh(["-v", `${volume}:/a`, "-v", `${snapshot}:/b`], different))).toBe("1\nnew\nold");
    await ok(hoy.hoy("volume", "restore", volume, snapshot));
    expect((await used(volumes)) - before).toBeLessThan(8 * MiB);
    expect(await ok(sh(["-v", `${volume}:/a`, "-v", `${snapshot}:/b`], different))).toBe("0\nold\nold");
    await ok(hoy.hoy("volume", "rm", volume, snapshot));
    expect(readdirSync(volumes).filter((name) => /^[a-z]/.test(name))).toEqual([]);
  });
});

describe("volumes on a disk that is full", async () => {
  const { hoy, volumes, on, sh } = await onDisk(["mkfs.ext4", "-q", "-F", "-m", "0"], 24 * MiB);
  const FULL = /ENOSPC|No space left on device|no space left on device/;

  /** An image with 32 MiB at /data, more than there is room for. */
  async function largeImage(): Promise<string> {
    const [name, image] = [unique(), `${unique("large")}:v1`];
    const script = "mkdir /data && echo first >/data/a && dd if=/dev/urandom of=/data/big bs=1M count=32";
    await ok(hoy.hoy("run", "--name", name, ...NET, "busybox", "sh", "-c", script));
    await ok(hoy.hoy("commit", name, image));
    await ok(hoy.hoy("rm", name));
    return image;
  }

  const names = (volume: string) => readdirSync(join(volumes, volume)).sort();

  on("an image's files that do not fit: the create fails, a new volume goes, an older one stays empty", async () => {
    const [image, volume, name] = [await largeImage(), unique("v"), unique()];
    const create = () => hoy.hoy("create", "--name", name, ...NET, "-v", `${volume}:/data`, image, "true");
    await fails(create(), 1, `failed to copy the image's files at /data into volume ${volume}`);
    await fails(create(), 1, FULL);
    await fails(hoy.hoy("inspect", name), 1, /no such object/i);
    await fails(hoy.hoy("volume", "inspect", volume), 1, "no such volume");
    await ok(hoy.hoy("volume", "create", volume));
    await fails(create(), 1, FULL);
    expect(names(volume)).toEqual(["_data"]);
    expect(readdirSync(join(volumes, volume, "_data"))).toEqual([]);
    await ok(hoy.hoy("volume", "rm", volume));
    await ok(hoy.hoy("rmi", image));
  });

  on("a snapshot that does not fit: an error, and no snapshot; a restore: an error, and the old files", async () => {
    const [volume, small] = [unique("v"), unique("v")];
    await ok(sh(["-v", `${volume}:/d`], "dd if=/dev/urandom of=/d/big bs=1M count=12; echo mine >/d/f"));
    await fails(hoy.hoy("volume", "snapshot", volume, "toolarge"), 1, FULL);
    await fails(hoy.hoy("volume", "inspect", "toolarge"), 1, "no such volume");
    expect(existsSync(join(volumes, "toolarge"))).toBe(false);
    await ok(sh(["-v", `${small}:/d`], "echo keep >/d/f"));
    await fails(hoy.hoy("volume", "restore", small, volume), 1, FULL);
    expect(await ok(sh(["-v", `${small}:/d`], "ls -A /d; cat /d/f"))).toBe("f\nkeep");
    expect(names(small)).toEqual(["_data"]);
    await ok(hoy.hoy("volume", "rm", volume, small));
  });

  on("copying into a volume that has no room: an error, and the volume works", async () => {
    const volume = unique("v");
    const file = join(hoy.root, "large");
    await command(["dd", "if=/dev/urandom", `of=${file}`, "bs=1M", "count=30"]);
    await ok(hoy.hoy("volume", "create", volume));
    await fails(hoy.hoy("volume", "cp", file, `${volume}:/`), 1, FULL);
    await ok(sh(["-v", `${volume}:/d`], "rm -f /d/large; echo works >/d/f"));
    await ok(hoy.hoy("volume", "rm", volume));
  });

  on("a disk in a file needs little at first; what can't be made is not there", async () => {
    const [filler, volume] = [unique("v"), unique("v")];
    await sh(["-v", `${filler}:/d`], "dd if=/dev/zero of=/d/big bs=64k");
    expect(statSync(join(volumes, filler, "_data", "big")).size).toBeGreaterThan(MiB);
    await fails(hoy.hoy("volume", "create", "-o", "type=loop", "-o", "size=8g", volume), 1, `create ${volume}: `);
    await fails(hoy.hoy("volume", "inspect", volume), 1, "no such volume");
    expect(existsSync(join(volumes, volume))).toBe(false);
    await ok(hoy.hoy("volume", "rm", filler));
  });
});
