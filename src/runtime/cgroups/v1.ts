// A container's cgroups under v1: one directory in each controller's hierarchy (cgroup-v1/cgroups.rst).

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import type { OciResources } from "../oci.ts";
import type { Cgroup, CgroupStats } from "./contract.ts";
import type { CgroupLayout } from "./detect.ts";
import { readText, writeText } from "./files.ts";
import { killBelow, pidsBelow, removeEmpty, removeTree, signalKill } from "./tree.ts";
import { statsV1 } from "./v1-stats.ts";
import { updateV1 } from "./v1-update.ts";

/** Milliseconds until a freeze is given up: a process in an uninterruptible wait holds it back. */
const FREEZE_PATIENCE = 2000;

/** Hierarchies that can tell who is in a container; all hold the same processes. */
const MEMBERS = ["pids", "memory", "devices", "cpu", "freezer", "name=systemd"];

export class CgroupV1 implements Cgroup {
  readonly path: string;
  readonly #layout: CgroupLayout;

  constructor(layout: CgroupLayout, path: string) {
    this.path = path;
    this.#layout = layout;
  }

  /** The container's directory in a controller's hierarchy; undefined when the host has not got the controller. */
  directory(controller: string): string | undefined {
    const root = this.#layout.controllers.get(controller);
    return root === undefined ? undefined : join(root, this.path);
  }

  exists(): boolean {
    return this.#members() !== undefined;
  }

  async pids(): Promise<number[]> {
    const folder = this.#members();
    return folder === undefined ? [] : await pidsBelow(folder);
  }

  async stats(hostMemory: number): Promise<CgroupStats | undefined> {
    return this.exists() ? await statsV1((controller) => this.directory(controller), hostMemory) : undefined;
  }

  async freeze(): Promise<void> {
    const file = this.#freezer();
    const end = Date.now() + FREEZE_PATIENCE;
    // Tasks that fork while they are being frozen leave the state at FREEZING; writing it again catches them.
    for (;;) {
      await writeText(file, "FROZEN");
      const state = await readText(file);
      if (state === "FROZEN") return;
      if (state === undefined || Date.now() > end) break;
      await sleep(2);
    }
    await this.thaw();
    throw new HoyError("internal", `can't freeze ${this.path}: a process does not stop`);
  }

  async thaw(): Promise<void> {
    await writeText(this.#freezer(), "THAWED");
  }

  async update(resources: OciResources): Promise<void> {
    await updateV1((controller) => this.directory(controller), resources);
  }

  async killAll(): Promise<void> {
    // Frozen first, nobody can fork or end, so that no pid goes to a stranger between reading and killing.
    const freezer = this.directory("freezer");
    const freezable = freezer !== undefined && existsSync(freezer);
    if (freezable && (await this.pids()).length > 0) {
      await writeText(join(freezer, "freezer.state"), "FROZEN");
      for (const pid of await this.pids()) signalKill(pid);
      await writeText(join(freezer, "freezer.state"), "THAWED");
    }
    await killBelow(() => this.pids());
  }

  async removeEmpty(): Promise<boolean> {
    // The one that tells who is in it goes first: with nobody in it, nobody is in the others, which go all at once.
    const members = this.#members();
    if (members !== undefined && !(await removeEmpty(members))) return false;
    const gone = await Promise.all(this.#directories().map(removeEmpty));
    return gone.every((each) => each);
  }

  async remove(): Promise<void> {
    for (const directory of this.#directories()) await removeTree(directory);
  }

  oomFiles(): string[] {
    const memory = this.directory("memory");
    return memory === undefined ? [] : [join(memory, "memory.oom_control")];
  }

  /** In every hierarchy. */
  #directories(): string[] {
    const roots = [...new Set(this.#layout.controllers.values())];
    const unified = this.#layout.unified === undefined ? [] : [this.#layout.unified];
    return [...roots, ...unified].map((root) => join(root, this.path));
  }

  #members(): string | undefined {
    return MEMBERS.map((name) => this.directory(name)).find((folder) => folder !== undefined && existsSync(folder));
  }

  #freezer(): string {
    const folder = this.directory("freezer");
    if (folder === undefined) throw new HoyError("internal", "the freezer cgroup isn't mounted");
    return join(folder, "freezer.state");
  }
}
