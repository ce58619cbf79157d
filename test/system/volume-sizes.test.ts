// Volumes with a size: a disk in a file, and a directory with a project quota. What does not fit is refused to whoever
// writes it, and removing the volume gives everything back.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMountPoint } from "../../src/linux/mount-table.ts";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { SLOWER } from "../harness/command.ts";
import { type Client, TestDaemon, testDaemon } from "../harness/daemon.ts";
import { mountDisk } from "../harness/disks.ts";
import { importBase } from "../harness/images.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];

const dataOf = (name: string) => join(hoy.data, "volumes", name, "_data");
const sh = (client: Client, flags: readonly string[], script: string) =>
  client("run", "--rm", ...NET, ...flags, "busybox", "sh", "-c", script);
const loop = (client: Client, name: string, size: string, ...more: string[]) =>
  client("volume", "create", "-o", "type=loop", "-o", `size=${size}`, ...more.flatMap((each) => ["-o", each]), name);
const FILL = "dd if=/dev/zero of=/d/big bs=1M count=100";

/** Files behind the machine's loop devices that are this daemon's. */
function loopFiles(): string[] {
  return readdirSync("/sys/block")
    .filter((name) => name.startsWith("loop"))
    .map((name) => textOf(`/sys/block/${name}/loop/backing_file`))
    .filter((file) => file.includes(hoy.mark));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has no file, any more
  }
}

describe("a volume of type loop", () => {
  eachClient(hoy, "takes what fits and no more, and grows on the disk as it is written", async (client) => {
    const volume = unique("v");
    await ok(loop(client, volume, "16m"));
    const disk = statSync(join(hoy.data, "volumes", volume, "disk.img"));
    expect([disk.size, disk.mode & 0o777]).toEqual([16 * 2 ** 20, 0o600]);
    expect(disk.blocks * 512).toBeLessThan(8 * 2 ** 20);
    const [found, error] = [await sh(client, ["-v", `${volume}:/d`], `ls -A /d; ${FILL}`), "No space left on device"];
    expect([found.stdout, found.code]).toEqual(["", 1]);
    expect(found.stderr).toContain(error);
    expect(await ok(sh(client, ["-v", `${volume}:/d`], "rm /d/big; echo room >/d/f; cat /d/f"))).toBe("room");
    await ok(client("volume", "rm", volume));
    expect(existsSync(join(hoy.data, "volumes", volume))).toBe(false);
    await eventually(async () => loopFiles().length === 0, "the loop devices are free");
  });

  eachClient(
    hoy,
    "is one for all its users, with ids and owners as asked, unmounted after the last",
    async (client) => {
      const [volume, name] = [unique("v"), unique()];
      await ok(loop(client, volume, "8m", "uid=1000", "mode=0750", "o=noexec"));
      await ok(client("run", "-d", "--name", name, ...NET, "-v", `${volume}:/d`, "busybox", "sleep", "1000"));
      const look = "stat -c '%u:%g %a' /d; touch /d/f; chown 7:8 /d/f; stat -c %u:%g /d/f";
      expect(await ok(sh(client, ["-v", `${volume}:/d`], look))).toBe("1000:0 750\n7:8");
      expect(await ok(client("exec", name, "stat", "-c", "%u:%g", "/d/f"))).toBe("7:8");
      await fails(client("exec", name, "sh", "-c", "cp /bin/busybox /d/b && /d/b true"), 126, "Permission denied");
      expect(isMountPoint(dataOf(volume))).toBe(true);
      await ok(client("rm", "-f", name));
      expect(isMountPoint(dataOf(volume))).toBe(false);
      await ok(client("volume", "rm", volume));
    },
  );

  eachClient(hoy, "shows its limit in inspect and its use in df -v", async (client) => {
    const volume = unique("v");
    await ok(loop(client, volume, "1g"));
    expect(await ok(client("volume", "inspect", "-f", "{{.Options.type}} {{.Options.size}}", volume))).toBe("loop 1g");
    expect((await hoy.api("GET", `/volumes/${volume}`)).json).toMatchObject({ Status: { Size: { Limit: 2 ** 30 } } });
    expect(await ok(client("system", "df", "-v"))).toMatch(new RegExp(`^${volume}\\s+0\\s+\\S+[kM]B`, "m"));
    if (client.program === "hoy") {
      expect(await ok(client("system", "df", "-v"))).toMatch(new RegExp(`^${volume}\\s+0\\s+\\S+B\\s+1.074GB$`, "m"));
      expect(await ok(client("volume", "ls"))).toMatch(new RegExp(`^local\\s+${volume}\\s+1.074GB$`, "m"));
    }
    await ok(client("volume", "rm", volume));
  });

  eachClient(hoy, "is made by --mount too, and gets what the image has", async (client) => {
    const options = "volume-opt=type=loop,volume-opt=size=8m";
    const mount = ["--mount", `type=volume,target=/etc,${options}`];
    expect(await ok(sh(client, mount, "head -n 1 /etc/group"))).toBe("root:x:0:");
    await eventually(async () => loopFiles().length === 0, "the loop devices are free");
  });

  eachClient(hoy, "is pruned as one of ours", async (client) => {
    const volume = unique("v");
    await ok(loop(client, volume, "8m"));
    expect(await ok(client("volume", "prune", "-f", "--all", "--filter", "label!=x"))).toContain(volume);
  });

  test("gets larger, and smaller as far as its files fit, when nobody has it mounted", async () => {
    const [volume, name] = [unique("v"), unique()];
    await ok(loop(hoy.hoy, volume, "8m", "uid=1000"));
    const flags = ["-v", `${volume}:/d`];
    await ok(sh(hoy.hoy, flags, "dd if=/dev/urandom of=/d/f bs=1M count=5; sha1sum /d/f >/d/sum"));
    await ok(hoy.hoy("run", "-d", "--name", name, ...NET, ...flags, "busybox", "sleep", "1000"));
    await fails(hoy.hoy("volume", "resize", volume, "32m"), 1, `resize ${volume}: volume is in use - [`);
    await ok(hoy.hoy("stop", "-t", "0", name));
    expect(await ok(hoy.hoy("volume", "resize", volume, "32m"))).toBe(volume);
    await hoy.restart("SIGKILL");
    expect((await hoy.api("GET", `/volumes/${volume}`)).json).toMatchObject({
      Options: { size: "32m" },
      Status: { Size: { Limit: 32 * 2 ** 20 } },
    });
    await ok(hoy.hoy("start", name));
    const more = "cd /d && sha1sum -c sum && dd if=/dev/zero of=more bs=1M count=20 && stat -c %u:%g /d && ls";
    expect(await ok(hoy.hoy("exec", name, "sh", "-c", more))).toBe("/d/f: OK\n1000:0\nf\nmore\nsum");
    await ok(hoy.hoy("rm", "-f", name));
    const disk = join(hoy.data, "volumes", volume, "disk.img");
    await fails(hoy.hoy("volume", "resize", volume, "16m"), 1, `resize ${volume}: resize2fs: `);
    expect(statSync(disk).size).toBe(32 * 2 ** 20);
    await ok(sh(hoy.hoy, flags, "rm /d/more"));
    await ok(hoy.hoy("volume", "resize", volume, "16m"));
    expect([statSync(disk).size, statSync(disk).mode & 0o777]).toEqual([16 * 2 ** 20, 0o600]);
    expect(await ok(sh(hoy.hoy, flags, "cd /d && sha1sum -c sum; ls"))).toBe("/d/f: OK\nf\nsum");
    expect(readdirSync(join(hoy.data, "volumes", volume)).sort()).toEqual(["_data", "disk.img"]);
    for (const [size, words] of [
      ["rubbish", 'invalid size: "rubbish"'],
      ["0", 'invalid size: "0"'],
      ["", 'invalid size: ""'],
      ["1k", "between 1MiB and 16TiB"],
    ] as const)
      await fails(hoy.hoy("volume", "resize", volume, size), 1, words);
    await ok(hoy.hoy("volume", "rm", volume));
    const plain = unique("v");
    await ok(hoy.hoy("volume", "create", plain));
    await fails(hoy.hoy("volume", "resize", plain, "1g"), 1, "it has no size that the engine keeps");
    await fails(hoy.hoy("volume", "resize", unique("v"), "1g"), 1, "no such volume");
    await eventually(async () => loopFiles().length === 0, "the loop devices are free");
  });

  test("keeps its files over a kill -9 of the daemon and of the container", async () => {
    const [volume, name] = [unique("v"), unique()];
    await ok(loop(hoy.hoy, volume, "8m"));
    await ok(hoy.hoy("run", "-d", "--name", name, ...NET, "-v", `${volume}:/d`, "busybox", "sleep", "1000"));
    await ok(hoy.hoy("exec", name, "sh", "-c", "echo kept >/d/f"));
    await hoy.restart("SIGKILL");
    expect(await ok(hoy.hoy("exec", name, "cat", "/d/f"))).toBe("kept");
    const pid = Number(await ok(hoy.hoy("inspect", "-f", "{{.State.Pid}}", name)));
    await hoy.down("SIGKILL");
    process.kill(pid, "SIGKILL");
    await eventually(async () => !existsSync(`/proc/${pid}`), "the container's process is gone");
    await hoy.up();
    expect(isMountPoint(dataOf(volume))).toBe(false);
    expect(await ok(sh(hoy.hoy, ["-v", `${volume}:/d`], "cat /d/f"))).toBe("kept");
    await ok(hoy.hoy("rm", name));
    await ok(hoy.hoy("volume", "rm", volume));
    await eventually(async () => loopFiles().length === 0, "the loop devices are free");
  });

  test("is the same disk for the next container while the last one's mounts still go", async () => {
    const volume = unique("v");
    await ok(loop(hoy.hoy, volume, "8m"));
    for (let round = 1; round <= 6; round++) {
      const seen = await ok(sh(hoy.hoy, ["-v", `${volume}:/d`], "echo x >>/d/f; wc -l </d/f"));
      expect(seen).toBe(String(round));
    }
    await ok(hoy.hoy("volume", "rm", volume));
  });

  test("is whole or not there when the daemon is killed while it is made", async () => {
    const volume = unique("v");
    const directory = join(hoy.data, "volumes", volume);
    const making = loop(hoy.hoy, volume, "2g");
    await eventually(async () => existsSync(directory) && readdirSync(directory).length > 1, "it is being made");
    await hoy.down("SIGKILL");
    await making;
    await hoy.up();
    if (existsSync(directory)) {
      expect(readdirSync(directory).sort()).toEqual(["_data", "disk.img"]);
      await ok(sh(hoy.hoy, ["-v", `${volume}:/d`], "touch /d/f"));
    } else {
      await fails(hoy.hoy("volume", "inspect", volume), 1, "no such volume");
      await ok(loop(hoy.hoy, volume, "8m"));
    }
    await ok(hoy.hoy("volume", "rm", volume));
  });

  eachClient(hoy, "says what is wrong with its options, and makes nothing", async (client) => {
    const volume = unique("v");
    await fails(loop(client, volume, "1k"), 1, `create ${volume}: invalid size: "1k"`);
    await fails(loop(client, volume, "1g", "device=/dev/sda"), 1, "takes no device");
    await fails(client("volume", "create", "-o", "type=loop", volume), 1, 'missing required option: "size"');
    await fails(client("volume", "inspect", volume), 1, "no such volume");
    expect(existsSync(join(hoy.data, "volumes", volume))).toBe(false);
  });
});

describe("a directory with a size", async () => {
  const limited = new TestDaemon({});
  mkdirSync(limited.data, { mode: 0o711 });
  const mkfs = ["mkfs.ext4", "-q", "-F", "-O", "quota,project", "-E", "quotatype=prjquota"];
  const disk = await mountDisk(join(limited.data, "volumes"), { mkfs, options: "prjquota", size: 64 * 2 ** 20 });
  const quotas = (name: string, body: () => Promise<void>) =>
    typeof disk === "string" ? test.skip(`${name} (skipped: ${disk})`, body) : test(name, body);
  if (typeof disk !== "string") {
    await limited.up();
    await importBase(limited, "busybox");
  }
  afterAll(async () => {
    if (typeof disk !== "string") {
      await limited.down();
      await disk.unmount();
    }
    await limited.close();
  }, 60_000 * SLOWER);

  quotas("takes what fits and no more, also over a kill -9, and gives it back", async () => {
    const [volume, other] = [unique("v"), unique("v")];
    await ok(limited.hoy("volume", "create", "-o", "size=4m", volume));
    await ok(limited.hoy("volume", "create", "-o", "size=8m", other));
    const put = (name: string, count: number) =>
      sh(limited.hoy, ["-v", `${name}:/d`], `dd if=/dev/zero of=/d/f bs=1M count=${count}`);
    await fails(put(volume, 6), 1, /No space left on device|quota exceeded/);
    await ok(put(other, 6));
    await limited.restart("SIGKILL");
    await fails(put(volume, 6), 1, /No space left on device|quota exceeded/);
    await ok(limited.hoy("volume", "resize", volume, "16m"));
    await ok(put(volume, 8));
    await limited.restart("SIGKILL");
    await fails(put(volume, 20), 1, /No space left on device|quota exceeded/);
    await ok(limited.hoy("volume", "rm", volume));
    await ok(limited.hoy("volume", "create", volume));
    await ok(put(volume, 6));
    await ok(limited.hoy("volume", "rm", volume, other));
  });
});

test("a directory with a size, where the file system can't, is refused in Docker's words", async () => {
  const volume = unique("v");
  const created = await hoy.hoy("volume", "create", "-o", "size=1g", volume);
  if (created.code !== 0) expect(created.stderr).toContain("quota size requested but no quota support");
  else await ok(hoy.hoy("volume", "rm", volume));
  expect(existsSync(join(hoy.data, "volumes", volume))).toBe(false);
});
