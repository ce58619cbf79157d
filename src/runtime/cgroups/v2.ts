// A container's cgroup under v2: one directory with everything in it (cgroup-v2.rst).

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import type { OciResources } from "../oci.ts";
import type { Cgroup, CgroupStats } from "./contract.ts";
import { readKeyed, writeText } from "./files.ts";
import { killBelow, pidsBelow, removeEmpty, removeTree } from "./tree.ts";
import { statsV2 } from "./v2-stats.ts";
import { updateV2 } from "./v2-update.ts";

/** Milliseconds. */
const FREEZE_PATIENCE = 2000;

export class CgroupV2 implements Cgroup {
  readonly path: string;
  readonly directory: string;

  constructor(root: string, path: string) {
    this.path = path;
    this.directory = join(root, path);
  }

  exists(): boolean {
    return existsSync(this.directory);
  }

  async pids(): Promise<number[]> {
    return await pidsBelow(this.directory);
  }

  async stats(hostMemory: number): Promise<CgroupStats | undefined> {
    return this.exists() ? await statsV2(this.directory, hostMemory) : undefined;
  }

  async freeze(): Promise<void> {
    await writeText(join(this.directory, "cgroup.freeze"), "1");
    const end = Date.now() + FREEZE_PATIENCE;
    while (Date.now() <= end) {
      if ((await readKeyed(join(this.directory, "cgroup.events"))).get("frozen") === 1) return;
      await sleep(2);
    }
    await this.thaw();
    throw new HoyError("internal", `can't freeze ${this.path}: a process does not stop`);
  }

  async thaw(): Promise<void> {
    await writeText(join(this.directory, "cgroup.freeze"), "0");
  }

  async update(resources: OciResources): Promise<void> {
    await updateV2(this.directory, resources);
  }

  async killAll(): Promise<void> {
    // Linux 5.14 kills the whole tree at once, forks and frozen ones included.
    const file = join(this.directory, "cgroup.kill");
    if (existsSync(file)) await writeText(file, "1");
    await killBelow(() => this.pids());
  }

  removeEmpty(): Promise<boolean> {
    return removeEmpty(this.directory);
  }

  async remove(): Promise<void> {
    await removeTree(this.directory);
  }

  oomFiles(): string[] {
    return [join(this.directory, "memory.events")];
  }
}
