// Volumes on an NFS server: the local driver with type nfs, mounted when a container uses it, by name and by address.

import { describe, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMountPoint } from "../../src/linux/mount-table.ts";
import { fails, ok, unique } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";
import { nfsMissing, nfsServer } from "../harness/nfs.ts";

const missing = nfsMissing();

async function withServer() {
  const hoy = await testDaemon();
  return { hoy, server: await nfsServer(hoy) };
}

const there = missing === undefined ? await withServer() : undefined;

if (there === undefined) {
  test.skip(`volumes of type nfs (skipped: ${missing})`, () => undefined);
} else {
  const { hoy, server } = there;
  const create = (client: Client, name: string, o: string) =>
    client("volume", "create", "-o", "type=nfs", "-o", `o=${o}`, "-o", "device=:/", name);
  const run = (client: Client, volume: string, script: string, ...flags: string[]) =>
    client("run", "--rm", "--network", "none", ...flags, "-v", `${volume}:/d`, "busybox", "sh", "-c", script);

  describe("volumes of type nfs", () => {
    for (const client of hoy.clients) {
      test(`${client.program}: what a container writes is on the server, under its ids`, async () => {
        const volume = unique("v");
        await ok(create(client, volume, "addr=127.0.0.1,rw,nfsvers=4"));
        writeFileSync(join(server.path, "there"), "from the server");
        const script = `cat /d/there; echo mine >/d/${volume}; chown 7:8 /d/${volume}`;
        expect(await ok(run(client, volume, script, "--userns=host"))).toBe("from the server");
        const file = join(server.path, volume);
        expect([readFileSync(file, "utf8"), statSync(file).uid, statSync(file).gid]).toEqual(["mine\n", 7, 8]);
        expect(isMountPoint(join(hoy.data, "volumes", volume, "_data"))).toBe(false);
        await ok(client("volume", "rm", volume));
        expect(readFileSync(file, "utf8")).toBe("mine\n");
      });

      test(`${client.program}: a container with ids of its own is told the way out`, async () => {
        const volume = unique("v");
        await ok(create(client, volume, "addr=127.0.0.1,nfsvers=4"));
        await fails(run(client, volume, "true"), 125, "use --userns=host");
        await ok(client("volume", "rm", volume));
      });

      test(`${client.program}: a server that says no is an error of the start, in the kernel's words`, async () => {
        const volume = unique("v");
        await ok(
          client(
            "volume",
            "create",
            "-o",
            "type=nfs",
            "-o",
            "o=addr=127.0.0.1,nfsvers=4",
            "-o",
            "device=:/nonesuch",
            volume,
          ),
        );
        await fails(run(client, volume, "true", "--userns=host"), 125, /no such file or directory/i);
        await ok(client("volume", "rm", volume));
      });
    }

    test("the mount is the next engine's after a kill -9, and goes with its last container", async () => {
      const [volume, name] = [unique("v"), unique()];
      const data = join(hoy.data, "volumes", volume, "_data");
      await ok(create(hoy.hoy, volume, "addr=127.0.0.1,nfsvers=4,soft"));
      const flags = ["--name", name, "--network", "none", "--userns=host", "-v", `${volume}:/d`];
      await ok(hoy.hoy("run", "-d", ...flags, "busybox", "sleep", "1000"));
      expect(isMountPoint(data)).toBe(true);
      await hoy.restart("SIGKILL");
      await ok(hoy.hoy("exec", name, "sh", "-c", "echo again >/d/again"));
      expect(readFileSync(join(server.path, "again"), "utf8")).toBe("again\n");
      await ok(hoy.hoy("rm", "-f", name));
      expect(isMountPoint(data)).toBe(false);
      await ok(hoy.hoy("volume", "rm", volume));
    });
  });
}
