// Both versions against directories of plain files: the figures that are read, the numbers that are written.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openCgroup } from "./open.ts";
import { parseProcStat } from "./system-cpu.ts";
import { parseBlkio } from "./v1-stats.ts";
import { parseIoStat } from "./v2-stats.ts";
import { weightOfShares } from "./v2-update.ts";

const GIB = 2 ** 30;
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hoy-cgroups-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}
const got = (name: string) => readFileSync(join(root, name), "utf8");

describe("v2", () => {
  const open = () => openCgroup({ mode: "v2", unified: root, controllers: new Map() }, "/hoy/c");

  test("figures", async () => {
    put({
      "hoy/c/cpu.stat":
        "usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnr_periods 7\nnr_throttled 2\nthrottled_usec 5\n",
      "hoy/c/memory.current": "1000\n",
      "hoy/c/memory.max": "max\n",
      "hoy/c/memory.stat": "anon 10\nfile 20\ninactive_file 5\nworkingset_refault_file 3\n",
      "hoy/c/memory.events": "low 0\noom 4\noom_kill 1\n",
      "hoy/c/pids.current": "3\n",
      "hoy/c/pids.max": "max\n",
      "hoy/c/io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n",
    });
    const stats = await open().stats(GIB);
    expect(stats?.cpu_stats).toMatchObject({
      cpu_usage: { total_usage: 3_000_000, usage_in_usermode: 2_000_000, usage_in_kernelmode: 1_000_000 },
      throttling_data: { periods: 7, throttled_periods: 2, throttled_time: 5000 },
    });
    expect(stats?.memory_stats).toMatchObject({ usage: 1000, limit: GIB, failcnt: 4 });
    expect(stats?.memory_stats.stats).toMatchObject({ anon: 10, file: 20, inactive_file: 5, workingset_refault: 3 });
    expect(stats?.pids_stats).toEqual({ current: 3 });
    expect(stats?.blkio_stats.io_service_bytes_recursive).toEqual([
      { major: 8, minor: 0, op: "read", value: 4096 },
      { major: 8, minor: 0, op: "write", value: 8192 },
    ]);
  });

  test("limits: memory and swap apart, shares as weight, throttles by key", async () => {
    for (const file of [
      "memory.max",
      "memory.low",
      "memory.swap.max",
      "cpu.weight",
      "cpuset.cpus",
      "pids.max",
      "io.max",
    ]) {
      put({ [`hoy/c/${file}`]: "" });
    }
    put({ "hoy/c/cpu.max": "max 100000\n" });
    await open().update({
      memory: { limit: 100, swap: 250, reservation: 50 },
      cpu: { shares: 1024, quota: 20_000, cpus: "0-1" },
      pids: { limit: -1 },
      blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] },
    });
    expect(got("hoy/c/memory.max")).toBe("100");
    expect(got("hoy/c/memory.swap.max")).toBe("150");
    expect(got("hoy/c/memory.low")).toBe("50");
    expect(got("hoy/c/cpu.weight")).toBe("39");
    expect(got("hoy/c/cpu.max")).toBe("20000 100000");
    expect(got("hoy/c/cpuset.cpus")).toBe("0-1");
    expect(got("hoy/c/pids.max")).toBe("max");
    expect(got("hoy/c/io.max")).toBe("8:0 rbps=1000");
    await open().update({ memory: { swap: -1 }, cpu: { quota: -1 } });
    expect(got("hoy/c/memory.swap.max")).toBe("max");
    expect(got("hoy/c/cpu.max")).toBe("max 100000");
  });

  test("a limit that the kernel has not got is an error with its name", async () => {
    put({ "hoy/c/cgroup.procs": "" });
    await expect(open().update({ cpu: { cpus: "0" } })).rejects.toThrow('failed to write "0" to cpuset.cpus');
  });

  test("freezing waits for the kernel's word, and who is inside is read from all levels", async () => {
    put({
      "hoy/c/cgroup.freeze": "0",
      "hoy/c/cgroup.events": "populated 1\nfrozen 1\n",
      "hoy/c/cgroup.procs": "30\n4\n",
      "hoy/c/inner/cgroup.procs": "7\n0\n",
    });
    await open().freeze();
    expect(got("hoy/c/cgroup.freeze")).toBe("1");
    await open().thaw();
    expect(got("hoy/c/cgroup.freeze")).toBe("0");
    expect(await open().pids()).toEqual([4, 7, 30]);
  });
});

describe("v1", () => {
  const names = ["memory", "cpu", "cpuacct", "cpuset", "pids", "blkio", "freezer"];
  const open = () =>
    openCgroup(
      { mode: "v1", unified: undefined, controllers: new Map(names.map((name) => [name, join(root, name)])) },
      "/hoy/c",
    );

  test("figures", async () => {
    put({
      "cpuacct/hoy/c/cpuacct.usage": "3000000\n",
      "cpuacct/hoy/c/cpuacct.usage_percpu": "1000000 2000000 \n",
      "cpuacct/hoy/c/cpuacct.stat": "user 2\nsystem 1\n",
      "cpu/hoy/c/cpu.stat": "nr_periods 7\nnr_throttled 2\nthrottled_time 5\n",
      "memory/hoy/c/memory.usage_in_bytes": "1000",
      "memory/hoy/c/memory.max_usage_in_bytes": "2000",
      "memory/hoy/c/memory.failcnt": "3",
      "memory/hoy/c/memory.limit_in_bytes": "9223372036854771712",
      "memory/hoy/c/memory.stat": "cache 1\ntotal_inactive_file 6\nhierarchical_memory_limit 77\nswap 9\n",
      "pids/hoy/c/pids.current": "2",
      "pids/hoy/c/pids.max": "100",
      "blkio/hoy/c/blkio.throttle.io_service_bytes": "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n",
    });
    const stats = await open().stats(GIB);
    expect(stats?.cpu_stats.cpu_usage).toEqual({
      total_usage: 3_000_000,
      percpu_usage: [1_000_000, 2_000_000],
      usage_in_usermode: 20_000_000,
      usage_in_kernelmode: 10_000_000,
    });
    expect(stats?.memory_stats).toMatchObject({ usage: 1000, max_usage: 2000, failcnt: 3, limit: GIB });
    expect(stats?.memory_stats.stats).toMatchObject({
      cache: 1,
      total_inactive_file: 6,
      hierarchical_memory_limit: 77,
    });
    expect(stats?.memory_stats.stats).not.toHaveProperty("swap");
    expect(stats?.pids_stats).toEqual({ current: 2, limit: 100 });
    expect(stats?.blkio_stats.io_service_bytes_recursive).toHaveLength(3);
    expect(stats?.blkio_stats.io_serviced_recursive).toEqual([]);
  });

  test("limits go to their controllers", async () => {
    put({
      "memory/hoy/c/memory.limit_in_bytes": "",
      "memory/hoy/c/memory.memsw.limit_in_bytes": "500",
      "memory/hoy/c/memory.oom_control": "",
      "cpu/hoy/c/cpu.shares": "",
      "cpu/hoy/c/cpu.cfs_quota_us": "",
      "cpu/hoy/c/cpu.cfs_period_us": "100000",
      "cpuset/hoy/c/cpuset.mems": "",
      "pids/hoy/c/pids.max": "",
      "blkio/hoy/c/blkio.bfq.weight": "",
      "blkio/hoy/c/blkio.throttle.write_iops_device": "",
    });
    await open().update({
      memory: { limit: 100, swap: 200, disableOOMKiller: true },
      cpu: { shares: 3, quota: 5000, period: 50_000, mems: "0" },
      pids: { limit: 0 },
      blockIO: { weight: 300, throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 7 }] },
    });
    expect(got("memory/hoy/c/memory.limit_in_bytes")).toBe("100");
    expect(got("memory/hoy/c/memory.memsw.limit_in_bytes")).toBe("200");
    expect(got("memory/hoy/c/memory.oom_control")).toBe("1");
    expect(got("cpu/hoy/c/cpu.cfs_period_us")).toBe("50000");
    expect(got("pids/hoy/c/pids.max")).toBe("max");
    expect(got("blkio/hoy/c/blkio.bfq.weight")).toBe("300");
    expect(got("blkio/hoy/c/blkio.throttle.write_iops_device")).toBe("8:16 7");
  });
});

test("a container that is gone has no figures and nobody in it", async () => {
  const cgroup = openCgroup({ mode: "v2", unified: root, controllers: new Map() }, "/hoy/gone");
  expect(await cgroup.stats(GIB)).toBeUndefined();
  expect(await cgroup.pids()).toEqual([]);
  await cgroup.remove();
  await cgroup.killAll();
});

test("texts of the kernel", () => {
  expect(parseBlkio("8:0 17\nTotal 17\n")).toEqual([{ major: 8, minor: 0, op: "", value: 17 }]);
  expect(parseIoStat("253:1 \n")).toEqual([
    { major: 253, minor: 1, op: "read", value: 0 },
    { major: 253, minor: 1, op: "write", value: 0 },
  ]);
  expect(parseProcStat("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1\ncpu1 1 1\nintr 5\n")).toEqual({
    system_cpu_usage: 280_000_000,
    online_cpus: 2,
  });
  expect([2, 1024, 262_144].map(weightOfShares)).toEqual([1, 39, 10_000]);
});
