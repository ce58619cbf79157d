// Builds on a data root that fills up: a context, a copy and a command that do not fit end with what the kernel says,
// nothing is tagged, what was built before is still there, and the next build that fits works.

import { afterAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contextIn } from "../harness/buildx.ts";
import { fails, ok, unique } from "../harness/clients.ts";
import { SLOWER } from "../harness/command.ts";
import { TestDaemon } from "../harness/daemon.ts";
import { mountDisk } from "../harness/disks.ts";
import { importBase } from "../harness/images.ts";

const MEGABYTE = 2 ** 20;
const FULL = /no space left on device/i;

describe("builds on a small disk", async () => {
  const hoy = new TestDaemon({});
  const disk = await mountDisk(hoy.data, {
    mkfs: ["mkfs.ext4", "-q", "-F", "-m", "0"],
    options: "",
    size: 96 * MEGABYTE,
  });
  if (typeof disk !== "string") {
    await hoy.up();
    await importBase(hoy, "busybox");
  }
  afterAll(() => close(hoy, disk), 60_000 * SLOWER);
  const on = (name: string, body: () => Promise<void>) =>
    typeof disk === "string" ? test.skip(`${name} (skipped: ${disk})`, body) : test(name, body, 60_000);

  const build = (...args: string[]) => hoy.hoy("build", "--network", "none", "--progress", "plain", ...args);
  const noise = (megabytes: number) => randomBytes(megabytes * MEGABYTE);
  const free = () => {
    const { bavail, bsize } = statfsSync(hoy.data);
    return (bavail * bsize) / MEGABYTE;
  };
  const halfMade = () => readdirSync(join(hoy.data, "tmp"));
  const before = "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /made\n";

  /** A build that fails for want of room leaves as much as there was, and no name. */
  async function failsWhole(...args: string[]): Promise<void> {
    const room = free();
    const tag = unique("full");
    await fails(build("-t", tag, ...args), 1, FULL);
    await fails(hoy.hoy("inspect", tag), 1, /no such object/i);
    expect(halfMade()).toEqual([]);
    expect(free()).toBeGreaterThan(room - 8);
  }

  on("what does not fit: the context, its copy, what a command writes; and all works after each", async () => {
    const first = contextIn(hoy, `${before}CMD cat /made\n`);
    await ok(build("-t", "first", first));
    const made = await ok(hoy.hoy("run", "--rm", "--network", "none", "first"));
    const works = async () => {
      const again = await build("-t", "first", first);
      expect({ code: again.code, cached: again.stderr.includes("CACHED") }).toEqual({ code: 0, cached: true });
      expect(await ok(hoy.hoy("run", "--rm", "--network", "none", "first"))).toBe(made);
      const other = unique("other");
      await ok(build("-t", other, contextIn(hoy, `${before}COPY file /\n`, { file: other })));
      expect(await ok(hoy.hoy("run", "--rm", "--network", "none", other, "cat", "/file"))).toBe(other);
    };

    const large = contextIn(hoy, `${before}COPY data /data\n`);
    writeFileSync(join(large, "data"), noise(120));
    await failsWhole(large);
    await works();

    // The context fits, a layer of the same beside it does not.
    writeFileSync(join(large, "data"), noise(Math.floor(free() * 0.7)));
    await fails(build("-t", "copied", large), 1, FULL);
    await fails(hoy.hoy("inspect", "copied"), 1, /no such object/i);
    expect(halfMade()).toEqual([]);
    await works();
    await ok(hoy.hoy("builder", "prune", "-f", "--filter", "type=source.local"));

    const greedy = contextIn(hoy, `${before}RUN dd if=/dev/urandom of=/big bs=1M count=120\n`);
    await failsWhole(greedy);
    await works();

    // What it wrote fits, the layer of it does not.
    const half = Math.floor(free() * 0.7);
    await failsWhole(contextIn(hoy, `${before}RUN dd if=/dev/urandom of=/big bs=1M count=${half}\n`));
    await works();
    rmSync(large, { recursive: true });
  });
});

/** The disk goes when nothing of the data root is in use, and before the daemon's directory is looked at. */
async function close(hoy: TestDaemon, disk: Awaited<ReturnType<typeof mountDisk>>): Promise<void> {
  if (typeof disk !== "string") {
    await ok(hoy.hoy("builder", "prune", "-a", "-f"));
    await ok(hoy.hoy("image", "prune", "-a", "-f"));
    await hoy.down();
    await disk.unmount();
    mkdirSync(hoy.data, { recursive: true, mode: 0o711 });
  }
  await hoy.close();
}
