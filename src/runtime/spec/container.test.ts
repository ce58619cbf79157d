// Real containers from built specs, by each OCI runtime that is here: what is asked for is what the process finds.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCgroup } from "../cgroups/open.ts";
import { idMapAt } from "../userns/allocate.ts";
import { type HostFacts, probeHost } from "./facts.ts";
import { FACTS, missingFor, Sandbox } from "./fixture.ts";

const idMap = idMapAt(1_900_000_000);
const DEFAULT_CAPS = "00000000a80425fb";
const facts: HostFacts = missingFor("unshare") === "" ? await probeHost() : FACTS;

for (const runtime of ["crun", "runc"]) {
  const missing = missingFor(runtime);
  describe.skipIf(missing !== "")(`containers of ${runtime}${missing && ` (${missing})`}`, () => {
    using stack = new DisposableStack();
    const sandbox = stack.use(new Sandbox(runtime, facts));
    const keep = stack.move();
    afterAll(async () => {
      keep.dispose();
      await openCgroup(facts.cgroups, `/hoy-test-${process.pid}`).remove();
    });

    test("a user namespace, the default capabilities, a filter, masked files", async () => {
      const said = await sandbox.run(
        "id -u; cat /proc/self/uid_map; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; " +
          "wc -c < /proc/timer_list; touch /proc/sys/kernel/x 2>&1; hostname; echo $HOME",
        { idMap },
      );
      expect(said).toContain(" 0 1900000000      65536");
      expect(said).toContain(`CapEff:\t${DEFAULT_CAPS}\n`);
      expect(said).toContain(`CapBnd:\t${DEFAULT_CAPS}\n`);
      expect(said).toContain("NoNewPrivs:\t0");
      expect(said).toContain("Seccomp:\t2");
      expect(said).toContain("\n0\n");
      expect(said).toContain("x: No such file or directory");
      expect(said.trim().split("\n").slice(-2)).toEqual(["box", "/root"]);
    });

    test("the filter keeps namespaces and mounts away, and CAP_SYS_ADMIN lets them through", async () => {
      const probe = "unshare -m true; mount -t tmpfs none /tmp && echo mounted; chroot / true && echo chrooted";
      const refused = await sandbox.run(probe, { idMap });
      expect(refused).toContain("Operation not permitted");
      expect(refused).not.toContain("mounted");
      expect(refused).toContain("chrooted");
      const admin = await sandbox.run(probe, { idMap, hostConfig: { CapAdd: ["SYS_ADMIN"] } });
      expect(admin).toContain("mounted");
    });

    test("a profile of the user's", async () => {
      const profile = JSON.stringify({
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
      });
      const said = await sandbox.run("mkdir /tmp/x", { hostConfig: { SecurityOpt: [`seccomp=${profile}`] } });
      expect(said).toContain("not supported");
    });

    test("limits", async () => {
      const v2 = facts.cgroups.mode === "v2";
      const files = v2
        ? "/sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"
        : "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max";
      const said = await sandbox.run(`cat ${files}; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj`, {
        idMap,
        hostConfig: {
          Memory: 64 * 2 ** 20,
          MemorySwap: 64 * 2 ** 20,
          PidsLimit: 30,
          NanoCpus: 5e8,
          OomScoreAdj: 500,
          CgroupnsMode: v2 ? "private" : "host",
          Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
        },
      });
      expect(said.trim().split("\n")).toEqual(["67108864", "30", "100", "200", "500"]);
    });

    test("a device that only root may use is the container's root's to use", async () => {
      const host = join(sandbox.root, "node");
      spawnSync("mknod", ["-m", "600", host, "c", "1", "5"]);
      const said = await sandbox.run(
        "stat -c '%u:%g %a %t:%T' /dev/thing; dd if=/dev/thing bs=4 count=1 2>/dev/null | wc -c; ls -l /dev/other/node",
        {
          idMap,
          deviceDirectory: join(sandbox.root, "devices"),
          hostConfig: {
            Devices: [
              { PathOnHost: host, PathInContainer: "/dev/thing", CgroupPermissions: "r" },
              { PathOnHost: sandbox.root, PathInContainer: "/dev/other", CgroupPermissions: "r" },
            ],
          },
        },
      );
      expect(said).toStartWith("0:0 600 1:5\n4\n");
      expect(said).toContain("/dev/other/node");
      expect(statSync(host).uid).toBe(0);
    });

    test("binds, tmpfs, shared memory, a read-only root", async () => {
      const source = join(sandbox.root, "data");
      mkdirSync(source, { recursive: true });
      writeFileSync(join(source, "file"), "from the host\n");
      const said = await sandbox.run(
        "cat /data/file; touch /data/x; touch /x; touch /scratch/x && echo scratch; grep -E 'scratch|shm' /proc/mounts",
        {
          idMap,
          mounts: [{ type: "bind", source, destination: "/data", writable: false }],
          hostConfig: { ReadonlyRootfs: true, ShmSize: 1_048_576, Tmpfs: { "/scratch": "size=1m,exec" } },
        },
      );
      expect(said).toContain("from the host");
      expect(said).toContain("touch: /data/x: Read-only file system");
      expect(said).toContain("touch: /x: Read-only file system");
      expect(said).toContain("scratch\n");
      expect(said).toMatch(/ \/scratch tmpfs rw,nosuid,nodev,relatime,size=1024k/);
      expect(said).toMatch(/ \/dev\/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k/);
    });

    test("an init before the command", async () => {
      const said = await sandbox.run("cat /proc/1/cmdline", {
        hostConfig: { Init: true },
        defaults: {
          ulimits: [],
          init: false,
          initPath: "/bin/busybox",
          seccompProfile: "builtin",
          noNewPrivileges: true,
        },
        config: { Entrypoint: ["/bin/cat"], Cmd: ["/proc/1/cmdline"] },
      });
      expect(said).toContain("docker-init: applet not found");
    });

    test("sysctls of its own namespaces, and the low ports", async () => {
      const said = await sandbox.run(
        "cat /proc/sys/kernel/shmmax /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_unprivileged_port_start",
        { idMap, hostConfig: { Sysctls: { "kernel.shmmax": "100000", "net.core.somaxconn": "77" } } },
      );
      expect(said).toBe("100000\n77\n0\n");
    });

    test("namespaces of the host, under a user namespace too", async () => {
      const said = await sandbox.run(
        "cat /proc/sys/kernel/hostname; ls /sys/class/net | head -1; ls -d /proc/[0-9]* 2>/dev/null | wc -l",
        {
          idMap,
          namespaces: { network: { kind: "host" } },
          hostConfig: { NetworkMode: "host", PidMode: "host", IpcMode: "host", UTSMode: "host" },
        },
      );
      const [name, device, processes] = said.trim().split("\n");
      expect(name).not.toBe("box");
      expect(device).not.toBe("");
      expect(Number(processes)).toBeGreaterThan(5);
    });

    test("privileged: everything", async () => {
      const said = await sandbox.run(
        "grep -E 'CapEff|Seccomp:' /proc/self/status; ls /dev | wc -l; grep ' /sys sysfs' /proc/mounts; head -c 1 /proc/timer_list | wc -c",
        { hostConfig: { Privileged: true, CgroupnsMode: "host" } },
      );
      const effective = BigInt(`0x${/CapEff:\s*([0-9a-f]+)/.exec(said)?.[1] ?? "0"}`);
      expect(effective & (1n << 21n)).toBe(1n << 21n);
      expect(said).toContain("Seccomp:\t0");
      expect(said).toContain("sysfs rw");
      expect(said).toEndWith("1\n");
    });
  });
}
