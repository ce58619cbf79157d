// Limits: what a container may use, as the kernel says it from inside, and as update changes it.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];
const v2 = !readFileSync("/proc/self/mountinfo", "utf8").includes(" - cgroup cgroup ");

/** A file of the container's own cgroup, as it sees it: by its name in v2, else in v1's controller. */
function figure(inV2: string, controller: string, inV1: string): string {
  return v2 ? `/sys/fs/cgroup/${inV2}` : `/sys/fs/cgroup/${controller}/${inV1}`;
}
const MEMORY = figure("memory.max", "memory", "memory.limit_in_bytes");
const SHARES = figure("cpu.weight", "cpu", "cpu.shares");
const PIDS = figure("pids.max", "pids", "pids.max");
const CPUSET = figure("cpuset.cpus", "cpuset", "cpuset.cpus");

const inside = (client: Client, flags: string[], ...command: string[]) =>
  ok(client("run", "--rm", ...NET, ...flags, "busybox", ...command));

describe("limits", () => {
  eachClient(hoy, "memory", async (client) => {
    expect(await inside(client, ["-m", "64m"], "cat", MEMORY)).toBe(String(64 * 2 ** 20));
  });

  eachClient(hoy, "a program that takes more memory than it may is killed, and inspect says why", async (client) => {
    const name = unique();
    const run = await client(
      "run",
      "--name",
      name,
      "-m",
      "16m",
      "--memory-swap",
      "16m",
      ...NET,
      "busybox",
      "sh",
      "-c",
      "x=a; while :; do x=$x$x; done",
    );
    expect(run.code).toBe(137);
    expect(await ok(client("inspect", "--format", "{{.State.OOMKilled}}", name))).toBe("true");
    await ok(client("rm", name));
  });

  eachClient(hoy, "processor time: shares and quota", async (client) => {
    const shares = Number(await inside(client, ["--cpu-shares", "512"], "cat", SHARES));
    expect(shares).toBe(v2 ? 20 : 512);
    const quota = v2
      ? "cat /sys/fs/cgroup/cpu.max"
      : "echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)";
    expect(await inside(client, ["--cpus", "0.5"], "sh", "-c", quota)).toBe("50000 100000");
  });

  eachClient(hoy, "cpuset", async (client) => {
    expect(await inside(client, ["--cpuset-cpus", "0"], "cat", CPUSET)).toBe("0");
    expect(await inside(client, ["--cpuset-cpus", "0"], "nproc")).toBe("1");
  });

  eachClient(hoy, "number of processes", async (client) => {
    expect(await inside(client, ["--pids-limit", "17"], "cat", PIDS)).toBe("17");
    const { stderr } = await client(
      "run",
      "--rm",
      "--pids-limit",
      "5",
      ...NET,
      "busybox",
      "sh",
      "-c",
      "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait",
    );
    expect(stderr).toMatch(/can't fork|Resource temporarily unavailable/);
  });

  eachClient(hoy, "ulimits, the daemon's and one's own", async (client) => {
    expect(await inside(client, ["--ulimit", "nofile=100:200"], "sh", "-c", "ulimit -Sn; ulimit -Hn")).toBe("100\n200");
    expect(await inside(client, ["--ulimit", "core=0"], "sh", "-c", "ulimit -c")).toBe("0");
  });

  eachClient(hoy, "/dev/shm", async (client) => {
    expect(await inside(client, [], "df", "-k", "/dev/shm")).toMatch(/^shm\s+65536 /m);
    expect(await inside(client, ["--shm-size", "8m"], "df", "-k", "/dev/shm")).toMatch(/^shm\s+8192 /m);
  });

  eachClient(hoy, "OOM score", async (client) => {
    expect(await inside(client, ["--oom-score-adj", "500"], "cat", "/proc/self/oom_score_adj")).toBe("500");
  });

  eachClient(hoy, "stats shows the limit and the use", async (client) => {
    const name = unique();
    await ok(client("run", "-d", "--name", name, "-m", "32m", ...NET, "busybox", "sleep", "1000"));
    const line = await ok(client("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}", name));
    expect(line).toMatch(new RegExp(`^${name} [\\d.]+[kKM]iB / 32MiB 1$`));
    await ok(client("rm", "-f", name));
  });
});

describe("update", () => {
  eachClient(hoy, "limits of a running container", async (client) => {
    const name = unique();
    await ok(
      client("run", "-d", "--name", name, "-m", "64m", "--memory-swap", "64m", ...NET, "busybox", "sleep", "1000"),
    );
    await ok(client("update", "-m", "32m", "--memory-swap", "32m", "--pids-limit", "9", "--cpu-shares", "256", name));
    expect(await ok(client("exec", name, "cat", MEMORY))).toBe(String(32 * 2 ** 20));
    expect(await ok(client("exec", name, "cat", PIDS))).toBe("9");
    expect(
      await ok(
        client(
          "inspect",
          "--format",
          "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}}",
          name,
        ),
      ),
    ).toBe("33554432 9 256");
    await ok(client("restart", "-t", "0", name));
    expect(await ok(client("exec", name, "cat", PIDS))).toBe("9");
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "the restart policy", async (client) => {
    const name = unique();
    await ok(client("run", "-d", "--name", name, "--restart", "always", ...NET, "busybox", "sh", "-c", "sleep 0.2"));
    await ok(client("update", "--restart", "no", name));
    await eventually(
      async () => (await ok(client("inspect", "--format", "{{.State.Status}}", name))) === "exited",
      "it stays down",
    );
    await ok(client("rm", name));
  });
});

describe("limits that can't be", () => {
  const refused: [string[], RegExp][] = [
    [["-m", "1m"], /Minimum memory limit allowed is 6MB/],
    [["-m", "64m", "--memory-swap", "32m"], /Minimum memoryswap limit should be larger than memory limit/],
    [["--memory-swap", "64m"], /You should always set the Memory limit when using Memoryswap limit/],
    [
      ["--memory-reservation", "64m", "-m", "32m"],
      /Minimum memory limit can not be less than memory reservation limit/,
    ],
    [["--cpus", "1000"], /range of CPUs is from 0.01 to/i],
    [["--cpuset-cpus", "4095"], /Requested CPUs are not available/],
    [["--cpuset-cpus", "x"], /Invalid value x for cpuset cpus/],
    [["--oom-score-adj", "2000"], /Invalid value 2000, range for oom score adj is \[-1000, 1000\]/],
    [["--shm-size", "-1"], /invalid/],
    [["--ulimit", "nofile=2:1"], /ulimit soft limit must be less than or equal to hard limit/],
    [["--blkio-weight", "5"], /Range of blkio weight is from 10 to 1000/],
  ];
  for (const [flags, words] of refused) {
    eachClient(hoy, flags.join(" "), async (client) => {
      await fails(client("run", "--rm", ...NET, ...flags, "busybox", "true"), 125, words);
    });
  }

  test("nothing of them is left", async () => {
    expect(await ok(hoy.hoy("ps", "-aq"))).toBe("");
  });
});
