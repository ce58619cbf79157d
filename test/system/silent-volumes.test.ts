// Volumes whose other end says nothing: the one who starts a container with such a volume waits, and nobody else.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isMountPoint } from "../../src/linux/mount-table.ts";
import { eventually, fails, ok, unique } from "../harness/clients.ts";
import { SLOWER } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { commandOf } from "../harness/machine.ts";
import { silentFs, silentFsMissing } from "../harness/silent-fs.ts";

const hoy = await testDaemon();
const flags = (volume: string) => ["--network", "none", "--userns=host", "-v", `${volume}:/d`];

function create(volume: string, type: string, device: string, o?: string): Promise<string> {
  const options = [`type=${type}`, `device=${device}`, ...(o === undefined ? [] : [`o=${o}`])];
  return ok(hoy.hoy("volume", "create", ...options.flatMap((each) => ["-o", each]), volume));
}

/** While `waiting` waits: other containers come and go, the engine answers, the volume is listed. */
async function othersGoOn(waiting: { readonly exitCode: () => number | undefined }): Promise<void> {
  for (const client of hoy.clients) {
    expect(await ok(client("run", "--rm", "busybox", "echo", "here"))).toBe("here");
    await ok(client("volume", "ls"));
    await ok(client("ps", "-a"));
  }
  expect(waiting.exitCode()).toBeUndefined();
}

function start(...args: string[]) {
  const running = hoy.hoy("run", ...args);
  let code: number | undefined;
  void running.then((result) => {
    code = result.code;
  });
  return { running, exitCode: () => code };
}

/** Processes of the engine's that make a mount. */
function mounters(): string[] {
  const children = readFileSync(`/proc/${hoy.pid}/task/${hoy.pid}/children`, "utf8").trim();
  return children.split(" ").filter((pid) => commandOf(pid).includes(" --mount "));
}

function testSilent(name: string, missing: string | undefined, body: () => Promise<void>): void {
  if (missing === undefined) test(name, body, 120_000 * SLOWER);
  else test.skip(`${name} (skipped: ${missing})`, body);
}

testSilent("a disk that is not found yet holds up who wants it, and nobody else", silentFsMissing, async () => {
  const [volume, name] = [unique("v"), unique()];
  const silent = silentFs(join(hoy.root, "silent"));
  try {
    await create(volume, "ext4", join(hoy.root, "silent/disk"));
    const waiting = start("--name", name, ...flags(volume), "busybox", "true");
    await eventually(async () => mounters().length === 1, "it is being mounted");
    await othersGoOn(waiting);
    silent.close();
    const { code, stderr } = await waiting.running;
    expect({ code, told: stderr.includes("error while mounting volume") }).toEqual({ code: 125, told: true });
  } finally {
    if (isMountPoint(join(hoy.root, "silent"))) silent.close();
  }
  await ok(hoy.hoy("rm", "-f", name));
  await ok(hoy.hoy("volume", "rm", volume));
});

testSilent("an engine that is killed takes along who waits for a mount", silentFsMissing, async () => {
  const [volume, name] = [unique("v"), unique()];
  const silent = silentFs(join(hoy.root, "silent2"));
  try {
    await create(volume, "ext4", join(hoy.root, "silent2/disk"));
    const waiting = start("--name", name, ...flags(volume), "busybox", "true");
    const [mounter = ""] = await eventually(async () => mounters().length === 1 && mounters(), "it is being mounted");
    await hoy.restart("SIGKILL");
    expect((await waiting.running).code).not.toBe(0);
    await eventually(async () => !existsSync(`/proc/${mounter}`), "the process has ended with it");
    await ok(hoy.hoy("rm", "-f", name));
    await ok(hoy.hoy("volume", "rm", volume));
  } finally {
    silent.close();
  }
});

const mountable = readFileSync("/proc/filesystems", "utf8");
for (const [type, device, o] of [
  ["nfs", ":/x", "addr=127.0.0.1,nfsvers=4,port=PORT"],
  ["cifs", "//127.0.0.1/x", "username=u,password=p,vers=3.0,port=PORT"],
] as const) {
  const missing = new RegExp(`\\t${type}$`, "m").test(mountable) ? undefined : `this kernel has no ${type}`;
  testSilent(`a server of ${type} that takes connections and says nothing is given up`, missing, async () => {
    const volume = unique("v");
    const server = silentServer();
    try {
      await create(volume, type, device, o.replace("PORT", `${server.port}`));
      const waiting = start("--rm", ...flags(volume), "busybox", "true");
      await eventually(async () => mounters().length === 1, "it is being mounted");
      await othersGoOn(waiting);
      await fails(waiting.running, 125, /connection timed out: the server did not answer mount\(2\) within 30 s/);
      expect(mounters()).toEqual([]);
      expect(isMountPoint(join(hoy.data, "volumes", volume, "_data"))).toBe(false);
    } finally {
      server.close();
    }
    await ok(hoy.hoy("volume", "rm", volume));
  });
}

/** In the daemon's network, on a port of 127.0.0.1. */
function silentServer() {
  if (hoy.namespace === undefined) throw new Error("the daemon has no network of its own");
  const socket = { data: () => undefined };
  const server = hoy.namespace.run(() => [Bun.listen({ hostname: "127.0.0.1", port: 0, socket })] as const)[0];
  return { port: server.port, close: () => server.stop(true) };
}
