// What a container may not do, what it may when asked, and that root in it is nobody outside.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";
import { describeWith } from "../harness/needs.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];
const inside = (client: Client, flags: string[], script: string) =>
  ok(client("run", "--rm", ...NET, ...flags, "busybox", "sh", "-c", script));
const CAPABILITIES = "grep CapEff /proc/self/status | cut -f2";

describe("user namespaces", () => {
  eachClient(hoy, "root inside is an id of its own outside; two containers share none", async (client) => {
    const names = [unique(), unique()];
    const uids: number[] = [];
    for (const name of names) {
      await ok(client("run", "-d", "--name", name, ...NET, "busybox", "sleep", "1000"));
      expect(await ok(client("exec", name, "id", "-u"))).toBe("0");
      const pid = await ok(client("inspect", "--format", "{{.State.Pid}}", name));
      uids.push(Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]));
    }
    for (const uid of uids) expect(uid).toBeGreaterThanOrEqual(65_536);
    expect(Math.abs((uids[0] ?? 0) - (uids[1] ?? 0))).toBeGreaterThanOrEqual(65_536);
    await ok(client("rm", "-f", ...names));
  });

  eachClient(hoy, "files of a bind mount keep their owner, in both directions", async (client) => {
    const folder = join(hoy.root, unique("bind"));
    mkdirSync(folder, { mode: 0o777 });
    writeFileSync(join(folder, "host"), "x");
    const flags = ["-v", `${folder}:/data`];
    expect(
      await inside(client, flags, "stat -c %u:%g /data/host; echo y > /data/inside; chown 1000:100 /data/inside"),
    ).toBe("0:0");
    expect(statSync(join(folder, "inside"))).toMatchObject({ uid: 1000, gid: 100 });
  });

  eachClient(hoy, "--userns=host opts out, --privileged implies it", async (client) => {
    const map = "cat /proc/self/uid_map";
    expect((await inside(client, ["--userns", "host"], map)).trim()).toMatch(/^0\s+0\s+4294967295$/);
    expect((await inside(client, ["--privileged"], map)).trim()).toMatch(/^0\s+0\s+4294967295$/);
    expect((await inside(client, [], map)).trim()).toMatch(/^0\s+[1-9]\d+\s+65536$/);
  });

  eachClient(hoy, "a file made by root inside is root's again in the next start and in cp", async (client) => {
    const name = unique();
    await ok(client("run", "-d", "--name", name, ...NET, "busybox", "sleep", "1000"));
    await ok(client("exec", name, "sh", "-c", "echo x > /f; chown 33:44 /f"));
    await ok(client("restart", "-t", "0", name));
    expect(await ok(client("exec", name, "stat", "-c", "%u:%g", "/f"))).toBe("33:44");
    await ok(client("rm", "-f", name));
  });
});

describe("capabilities", () => {
  eachClient(hoy, "Docker's fourteen, added, dropped, all", async (client) => {
    expect(await inside(client, [], CAPABILITIES)).toBe("00000000a80425fb");
    expect(await inside(client, ["--cap-drop", "ALL"], CAPABILITIES)).toBe("0000000000000000");
    expect(await inside(client, ["--cap-drop", "ALL", "--cap-add", "CHOWN"], CAPABILITIES)).toBe("0000000000000001");
    expect(await inside(client, ["--cap-add", "net_admin"], CAPABILITIES)).toBe("00000000a80435fb");
  });

  eachClient(hoy, "a user that is not root has none", async (client) => {
    expect(await inside(client, ["-u", "1000"], CAPABILITIES)).toBe("0000000000000000");
  });

  eachClient(hoy, "an unknown one is refused", async (client) => {
    await fails(
      client("run", "--rm", ...NET, "--cap-add", "FLY", "busybox", "true"),
      125,
      /invalid CapAdd: unknown capability: "CAP_FLY"/,
    );
  });
});

describe("seccomp and no-new-privileges", () => {
  eachClient(hoy, "a filter by default, none when unconfined", async (client) => {
    const mode = "grep Seccomp: /proc/self/status | cut -f2";
    expect(await inside(client, [], mode)).toBe("2");
    expect(await inside(client, ["--security-opt", "seccomp=unconfined"], mode)).toBe("0");
  });

  eachClient(hoy, "one's own profile", async (client) => {
    const file = join(hoy.root, "profile.json");
    writeFileSync(
      file,
      JSON.stringify({
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
      }),
    );
    const run = await client("run", "--rm", ...NET, "--security-opt", `seccomp=${file}`, "busybox", "mkdir", "/x");
    expect(run.stderr).toContain("Operation not permitted");
    expect(run.code).toBe(1);
  });

  eachClient(hoy, "a profile that is none, an option that is none", async (client) => {
    const file = join(hoy.root, "bad.json");
    writeFileSync(file, "{");
    await fails(client("run", "--rm", ...NET, "--security-opt", `seccomp=${file}`, "busybox"), 125, /seccomp/);
    await fails(
      client("run", "--rm", ...NET, "--security-opt", "magic=on", "busybox"),
      125,
      /[Ii]nvalid --security-opt/,
    );
  });

  eachClient(hoy, "no-new-privileges", async (client) => {
    const flag = "grep NoNewPrivs /proc/self/status | cut -f2";
    expect(await inside(client, [], flag)).toBe("0");
    expect(await inside(client, ["--security-opt", "no-new-privileges"], flag)).toBe("1");
  });
});

describeWith("apparmor", "AppArmor", () => {
  const LABEL = "cat /proc/self/attr/current";

  eachClient(hoy, "a profile of the engine's own; by name another or none; privileged none", async (client) => {
    expect(await inside(client, [], LABEL)).toBe("hoy-default (enforce)");
    expect(await inside(client, ["--privileged"], LABEL)).toBe("unconfined");
    expect(await inside(client, ["--security-opt", "apparmor=unconfined"], LABEL)).toBe("unconfined");
    expect(await ok(client("info", "--format", "{{json .SecurityOptions}}"))).toContain("name=apparmor");
    const other = unique("hoy-test");
    const load = (flags: string, input: string) => ok(command(["apparmor_parser", flags], { input }));
    await load("-Kr", `profile ${other} flags=(attach_disconnected) { file, deny /etc/passwd r, capability, }`);
    try {
      const flags = ["--security-opt", `apparmor=${other}`];
      const told = await inside(client, flags, `${LABEL}; cat /etc/passwd 2>&1 || true`);
      expect(told).toBe(`${other} (enforce)\ncat: can't open '/etc/passwd': Permission denied`);
    } finally {
      await load("-KR", `profile ${other} {}`);
    }
  });

  eachClient(hoy, "exec is in it too; a privileged one is not; inspect and the next engine know it", async (client) => {
    const name = unique();
    await ok(client("run", "-d", "--name", name, ...NET, "busybox", "sleep", "1000"));
    expect(await ok(client("inspect", "-f", "{{.AppArmorProfile}}", name))).toBe("hoy-default");
    expect(await ok(client("exec", name, "sh", "-c", LABEL))).toBe("hoy-default (enforce)");
    expect(await ok(client("exec", "--privileged", name, "sh", "-c", LABEL))).toBe("unconfined");
    await hoy.restart("SIGKILL");
    expect(await ok(client("exec", name, "sh", "-c", LABEL))).toBe("hoy-default (enforce)");
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "forbids mounts that capabilities would allow, and the host's switches", async (client) => {
    const mount = "mount -t tmpfs none /mnt 2>&1 && echo mounted || true";
    const flags = ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"];
    expect(await inside(client, flags, `mkdir -p /mnt; ${mount}`)).toContain("ermission denied");
    const open = [...flags, "--security-opt", "apparmor=unconfined"];
    expect(await inside(client, open, `mkdir -p /mnt; ${mount}`)).toBe("mounted");
    const host = ["--userns", "host", "--security-opt", "systempaths=unconfined"];
    const write = "echo h >/proc/sysrq-trigger";
    await fails(client("run", "--rm", ...NET, ...host, "busybox", "sh", "-c", write), 1, "Permission denied");
  });

  eachClient(hoy, "a profile that the kernel does not have is an error of the start", async (client) => {
    const name = unique();
    const flags = ["--name", name, ...NET, "--security-opt", "apparmor=nonesuch"];
    await fails(client("run", ...flags, "busybox", "true"), 127, "apparmor failed to apply profile");
    await ok(client("rm", name));
  });
});

describe("the file system", () => {
  eachClient(hoy, "--read-only, with --tmpfs for what must be written", async (client) => {
    const run = await client(
      "run",
      "--rm",
      ...NET,
      "--read-only",
      "--tmpfs",
      "/run:size=1m",
      "busybox",
      "sh",
      "-c",
      "echo x > /run/f && cat /run/f; echo y > /f",
    );
    expect(run.stdout).toBe("x\n");
    expect(run.stderr).toContain("Read-only file system");
  });

  eachClient(hoy, "masked and read-only paths, until systempaths=unconfined", async (client) => {
    const show =
      "cat /proc/kcore 2>/dev/null | head -c 1 | wc -c; (echo x > /proc/sys/kernel/core_pattern) 2>&1 | grep -o Read-only";
    expect(await inside(client, [], show)).toBe("0\nRead-only");
    const mounts = "grep -c ' /proc/' /proc/self/mountinfo || true";
    expect(await inside(client, ["--security-opt", "systempaths=unconfined"], mounts)).toBe("0");
  });

  eachClient(hoy, "devices: few by default, more by --device, all when privileged", async (client) => {
    const devices = (await inside(client, [], "ls /dev")).split("\n");
    expect(devices).toEqual(expect.arrayContaining(["full", "null", "random", "tty", "urandom", "zero"]));
    expect(devices).not.toContain("kmsg");
    expect(await inside(client, ["--device", "/dev/zero:/dev/nought:r"], "head -c 3 /dev/nought | wc -c")).toBe("3");
    expect(await inside(client, ["--privileged"], "ls /dev | wc -l").then(Number)).toBeGreaterThan(devices.length);
    // 127: the client takes "no such file" for a command that is not there, as docker's does.
    await fails(
      client("run", "--rm", ...NET, "--device", "/dev/nonesuch", "busybox", "true"),
      127,
      /no such file or directory/,
    );
  });

  eachClient(hoy, "a read-only bind mount can't be written; propagation is private", async (client) => {
    const folder = join(hoy.root, unique("ro"));
    mkdirSync(folder);
    const run = await client("run", "--rm", ...NET, "-v", `${folder}:/data:ro`, "busybox", "touch", "/data/x");
    expect(run.stderr).toContain("Read-only file system");
    expect(existsSync(join(folder, "x"))).toBe(false);
  });
});

describe("namespaces", () => {
  const SHOW = "for kind in pid ipc uts; do readlink /proc/self/ns/$kind; done";
  eachClient(hoy, "pid, ipc and uts are its own; of the host or of another when asked", async (client) => {
    const name = unique();
    await ok(
      client("run", "-d", "--name", name, "--ipc", "shareable", "-h", "first", ...NET, "busybox", "sleep", "1000"),
    );
    const namespaces = (flags: string[]) => inside(client, flags, SHOW);
    const other = (await ok(client("exec", name, "sh", "-c", SHOW))).split("\n");
    const own = (await namespaces([])).split("\n");
    expect(own.filter((each) => other.includes(each))).toEqual([]);
    const joined = (await namespaces(["--pid", `container:${name}`, "--ipc", `container:${name}`])).split("\n");
    expect(joined.slice(0, 2)).toEqual(other.slice(0, 2));
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "sysctls of its namespaces; those of the host are refused", async (client) => {
    expect(await inside(client, ["--sysctl", "kernel.shmmax=12345"], "cat /proc/sys/kernel/shmmax")).toBe("12345");
    await fails(
      client("run", "--rm", ...NET, "--sysctl", "kernel.panic=1", "busybox", "true"),
      125,
      /sysctl.*kernel\.panic.*is not (whitelisted|in a separate kernel namespace|allowed)/,
    );
  });

  test("the shim and the daemon can't be seen from inside", async () => {
    const out = await inside(hoy.hoy, [], "ps");
    expect(out).not.toContain("hoy");
    expect(out.split("\n").length).toBeLessThanOrEqual(4);
  });
});
