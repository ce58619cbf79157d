// The cgroups of this very kernel, in a group of the test's own. Which version runs is said in the test's name.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import { type CgroupLayout, detectCgroups } from "./detect.ts";
import { openCgroup } from "./open.ts";

const isRoot = process.getuid?.() === 0;
const layout: CgroupLayout | undefined = await detectCgroups().catch(() => undefined);
const why = !isRoot ? "needs root" : layout === undefined ? "no cgroups mounted" : layout.mode;

describe.skipIf(!isRoot || layout === undefined)(`cgroups of this kernel (${why})`, () => {
  const path = `/hoy-test-${process.pid}/c1`;
  const cgroup = openCgroup(layout as CgroupLayout, path);
  const parent = openCgroup(layout as CgroupLayout, `/hoy-test-${process.pid}`);
  const folders =
    layout?.mode === "v2"
      ? [join(layout.unified ?? "", path)]
      : [...new Set(layout?.controllers.values() ?? [])].map((root) => join(root, path));
  const children: ReturnType<typeof spawn>[] = [];

  /** A process in the cgroup, which has taken memory and time there before this resolves. */
  async function member(command: string): Promise<number> {
    const work = "x=$(head -c 4000000 /dev/zero | tr '\\0' a); echo ready";
    const child = spawn("/bin/sh", ["-c", `read go; ${work}; ${command}`], { stdio: ["pipe", "pipe", "ignore"] });
    children.push(child);
    for (const folder of folders) writeFileSync(join(folder, "cgroup.procs"), String(child.pid));
    child.stdin.end("\n");
    await once(child.stdout, "data");
    return child.pid ?? 0;
  }

  beforeAll(() => {
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true });
      // In v2 a group has the controllers that those above it hand down; the OCI runtime has them do so.
      if (layout?.mode === "v2") {
        for (const above of [layout.unified ?? "", join(folder, "..")]) {
          writeFileSync(join(above, "cgroup.subtree_control"), "+cpuset +cpu +memory +pids");
        }
      }
      // A cpuset is empty when it is made, and takes no process then; the OCI runtime copies its parent's.
      if (layout?.mode !== "v2" && folder.startsWith(`${layout?.controllers.get("cpuset")}/`)) {
        for (const file of ["cpuset.cpus", "cpuset.mems"]) {
          const all = readFileSync(join(layout?.controllers.get("cpuset") ?? "", file), "utf8");
          writeFileSync(join(folder, "..", file), all);
          writeFileSync(join(folder, file), all);
        }
      }
    }
  });

  afterAll(async () => {
    await cgroup.killAll();
    await parent.remove();
  });

  test("tells who is in it, and what they cost", async () => {
    const pid = await member("sleep 60 & wait");
    expect(await cgroup.pids()).toContain(pid);
    const stats = await cgroup.stats(totalmem());
    expect(stats?.pids_stats.current).toBeGreaterThanOrEqual(1);
    expect(stats?.memory_stats.usage).toBeGreaterThan(0);
    expect(stats?.memory_stats.limit).toBe(totalmem());
    expect(stats?.cpu_stats.cpu_usage?.total_usage).toBeGreaterThan(0);
    const name = layout?.mode === "v2" ? "inactive_file" : "total_inactive_file";
    expect(stats?.memory_stats.stats).toHaveProperty(name);
  });

  test("changes limits in the order the kernel wants", async () => {
    const mib = 1024 * 1024;
    await cgroup.update({ memory: { limit: 64 * mib, swap: 128 * mib }, pids: { limit: 50 } });
    expect((await cgroup.stats(totalmem()))?.memory_stats.limit).toBe(64 * mib);
    // Up, past the old sum of memory and swap; then down, below the old memory.
    await cgroup.update({ memory: { limit: 200 * mib, swap: 300 * mib } });
    expect((await cgroup.stats(totalmem()))?.memory_stats.limit).toBe(200 * mib);
    await cgroup.update({ memory: { limit: 32 * mib, swap: 48 * mib } });
    expect((await cgroup.stats(totalmem()))?.memory_stats.limit).toBe(32 * mib);
    await cgroup.update({ memory: { swap: -1 }, cpu: { quota: 50_000, period: 100_000, shares: 512, cpus: "0" } });
    expect((await cgroup.stats(totalmem()))?.pids_stats.limit).toBe(50);
  });

  test("refuses what the kernel refuses, naming the file", async () => {
    const attempt = cgroup.update({ cpu: { cpus: "4000" } });
    await expect(attempt).rejects.toBeInstanceOf(HoyError);
    await expect(attempt).rejects.toThrow("cpuset.cpus");
  });

  test("freezes and thaws; a frozen process can be killed", async () => {
    const pid = await member("while :; do sleep 0.01; done");
    await cgroup.freeze();
    const ticks = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ").slice(13, 17).join(" ");
    const before = ticks();
    await Bun.sleep(60);
    expect(ticks()).toBe(before);
    await cgroup.thaw();
    await cgroup.freeze();
    const ended = once(children.at(-1) ?? process, "exit");
    await cgroup.killAll();
    expect((await ended)[1]).toBe("SIGKILL");
    expect(await cgroup.pids()).toEqual([]);
    await cgroup.thaw(); // v2 kills what is frozen as it is: the group itself stays so
  });

  test("is removed when nobody is in it, and stays in every hierarchy as long as somebody is", async () => {
    await member("sleep 60 & wait");
    expect(await cgroup.removeEmpty()).toBe(false);
    expect(folders.filter((folder) => !existsSync(folder))).toEqual([]);
    await cgroup.killAll();
    const end = Date.now() + 10_000; // a killed process leaves a moment later
    while (!(await cgroup.removeEmpty()) && Date.now() < end) await sleep(5);
    expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
    expect(await cgroup.removeEmpty()).toBe(true);
  });

  test("is removed with the groups below it, once and again", async () => {
    mkdirSync(join(folders[0] ?? "", "inner", "deeper"), { recursive: true });
    await cgroup.remove();
    expect(cgroup.exists()).toBe(false);
    await cgroup.remove();
    expect(await cgroup.pids()).toEqual([]);
    expect(await cgroup.stats(totalmem())).toBeUndefined();
    await cgroup.killAll();
  });
});

const unified = layout?.unified;
describe.skipIf(!isRoot || unified === undefined)("the v2 tree of this kernel", () => {
  const path = `/hoy-test-${process.pid}`;
  const cgroup = openCgroup({ mode: "v2", unified, controllers: new Map() }, path);

  test("processes are frozen, thawed, killed at once, and the group removed", async () => {
    const folder = join(unified ?? "", path);
    mkdirSync(join(folder, "inner"), { recursive: true });
    const child = spawn("/bin/sh", ["-c", "while read line; do echo $line; done"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    try {
      writeFileSync(join(folder, "inner", "cgroup.procs"), String(child.pid));
      expect(await cgroup.pids()).toEqual([child.pid ?? 0]);
      await cgroup.freeze();
      expect(readFileSync(join(folder, "cgroup.events"), "utf8")).toContain("frozen 1");
      await cgroup.thaw();
      const answer = once(child.stdout, "data");
      child.stdin.write("alive\n");
      expect(String((await answer)[0])).toBe("alive\n");
      await cgroup.freeze();
    } finally {
      const ended = once(child, "exit");
      await cgroup.killAll();
      expect((await ended)[1]).toBe("SIGKILL");
      await cgroup.remove();
    }
    expect(cgroup.exists()).toBe(false);
  });
});
