// How much a container may write: `--storage-opt size=`, by project quotas of the data root's file system. What does not
// fit is refused to whoever writes it, whether by a container, by cp or after a kill -9; removal gives it back.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fails, ok, unique } from "../harness/clients.ts";
import { SLOWER } from "../harness/command.ts";
import { type Client, TestDaemon } from "../harness/daemon.ts";
import { type Disk, mountDisk } from "../harness/disks.ts";
import { importBase } from "../harness/images.ts";

const MEGABYTE = 2 ** 20;
const REFUSED = /No space left on device|quota exceeded/i;
const FILE_SYSTEMS = {
  ext4: { mkfs: ["mkfs.ext4", "-q", "-F", "-O", "quota,project", "-E", "quotatype=prjquota"], size: 200 * MEGABYTE },
  xfs: { mkfs: ["mkfs.xfs", "-q", "-f"], size: 320 * MEGABYTE },
};

for (const [kind, { mkfs, size }] of Object.entries(FILE_SYSTEMS)) {
  describe(`what a container writes, on ${kind}`, async () => {
    const hoy = new TestDaemon({ flags: ["--storage-opt=size=24m"] });
    const disk = await mountDisk(hoy.data, { mkfs, options: "prjquota", size });
    const here = typeof disk !== "string";
    if (here) {
      await hoy.up();
      await importBase(hoy, "busybox");
    }
    afterAll(() => close(hoy, disk), 60_000 * SLOWER);
    const each = (name: string, body: (client: Client) => Promise<void>) => {
      for (const client of hoy.clients) {
        const title = `${client.program}: ${name}`;
        if (here) test(title, () => body(client));
        else test.skip(`${title} (skipped: ${disk})`, () => body(client));
      }
    };
    const create = (client: Client, name: string, ...flags: string[]) =>
      ok(client("run", "-d", "--name", name, "--network", "none", ...flags, "busybox", "sleep", "1000"));
    const put = (client: Client, name: string, megabytes: number) =>
      client("exec", name, "dd", "if=/dev/zero", "of=/f", "bs=1M", `count=${megabytes}`);

    each("takes what fits and no more, and shows as a disk of that size", async (client) => {
      const [small, large] = [unique(), unique()];
      await create(client, small, "--storage-opt", "size=8m");
      await create(client, large, "--storage-opt", "size=16m");
      await fails(put(client, small, 12), 1, REFUSED);
      await ok(put(client, large, 12));
      await ok(client("exec", small, "sh", "-c", "rm /f; echo room >/g"));
      const [, blocks = ""] = (await ok(client("exec", small, "df", "-P", "/"))).split("\n");
      expect(blocks.split(/\s+/)[1]).toBe(String(8 * 1024));
      expect(await ok(client("inspect", "-f", "{{.HostConfig.StorageOpt.size}}", small))).toBe("8m");
      await ok(client("rm", "-f", small, large));
    });

    each("is the engine's own where the user says nothing, and binds root on the host too", async (client) => {
      const [usual, privileged] = [unique(), unique()];
      await create(client, usual);
      await create(client, privileged, "--privileged", "--storage-opt", "size=8m");
      await fails(put(client, usual, 30), 1, REFUSED);
      await ok(put(client, usual, 12));
      await fails(put(client, privileged, 12), 1, REFUSED);
      await ok(client("rm", "-f", usual, privileged));
    });

    each("holds after a kill -9 of the engine and a restart of the container", async (client) => {
      const name = unique();
      await create(client, name, "--storage-opt", "size=8m");
      await hoy.restart("SIGKILL");
      await fails(put(client, name, 12), 1, REFUSED);
      await ok(client("restart", "-t", "0", name));
      await ok(client("exec", name, "rm", "/f"));
      await fails(put(client, name, 12), 1, REFUSED);
      await ok(client("rm", "-f", name));
    });

    each("a size that is none makes nothing", async (client) => {
      const name = unique();
      await fails(client("create", "--name", name, "--storage-opt", "size=much", "busybox"), 1, "invalid size: 'much'");
      await fails(
        client("create", "--name", name, "--storage-opt", "colour=red", "busybox"),
        1,
        "Unknown option colour",
      );
      await fails(client("inspect", name), 1, /no such object/i);
    });
  });
}

/** The daemon's end empties its data root; the disk goes after that, but before what is left is looked at. */
async function close(hoy: TestDaemon, disk: Disk | string): Promise<void> {
  if (typeof disk !== "string") {
    await hoy.down();
    await disk.unmount();
    mkdirSync(join(hoy.data), { recursive: true, mode: 0o711 });
  }
  await hoy.close();
}
