// The ContainerRuntime over hoy-shim: start, adopt, clean up. Everything that a container needs to be found again by
// the next engine is in its bundle and its state directory, nothing is in this process alone.

import { execFile } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { HoyError } from "../../base/error.ts";
import type { ContainerRuntime, ExitStatus, OciRuntime, Shim, StartRequest } from "../contract.ts";
import { type CgroupMounts, cgroupFiles, findCgroupMounts, killCgroup } from "./cgroups.ts";
import { ShimClient } from "./client.ts";
import { readExitFile, removeExitFile, timeText } from "./exit-file.ts";
import { encodeJob } from "./job.ts";
import { launchShim } from "./launch.ts";

const run = promisify(execFile);
const KILLED = 137;
const FINISH_MS = 10_000;
const DELETE_MS = 30_000;

export interface RuntimeOptions {
  /** Absolute path of the hoy-shim executable. */
  readonly shim: string;
  /** Where the OCI runtimes keep their records: one directory a runtime below it. Ends with the boot. */
  readonly root: string;
}

export function createRuntime(options: RuntimeOptions): ContainerRuntime {
  return new ShimRuntime(options);
}

class ShimRuntime implements ContainerRuntime {
  readonly #options: RuntimeOptions;
  readonly #clients = new Map<string, ShimClient>();
  readonly #cgroups: CgroupMounts = findCgroupMounts();

  constructor(options: RuntimeOptions) {
    this.#options = options;
  }

  async start(request: StartRequest, beforeRun?: (shim: Shim) => Promise<void>): Promise<Shim> {
    const job = this.#write(request);
    try {
      await launchShim(this.#options.shim, job);
      const client = await this.#open(request.id, request.bundle, request.state);
      await beforeRun?.(client);
      if (request.hold) await client.release();
      return client;
    } catch (error) {
      await this.cleanup(request.id, request.bundle, request.runtime);
      throw error;
    }
  }

  async adopt(id: string, bundle: string, state: string): Promise<Shim | ExitStatus | undefined> {
    try {
      return await this.#open(id, bundle, state);
    } catch (error) {
      if (!isNobody(error)) throw error;
    }
    const status = readExitFile(state);
    if (status !== undefined) return status;
    return existsSync(join(bundle, "pid")) ? this.#lost(bundle, state) : undefined;
  }

  async cleanup(id: string, bundle: string, runtime: OciRuntime): Promise<void> {
    const client = this.#clients.get(id);
    this.#clients.delete(id);
    if (client !== undefined) await Promise.race([client.finished, sleep(FINISH_MS, undefined, { ref: false })]);
    // The shim removes its job last: while that is there, it was not the shim that cleaned up.
    if (existsSync(join(bundle, "job"))) await this.#deleteByHand(id, bundle, runtime);
    rmSync(bundle, { recursive: true, force: true });
  }

  /** config.json and the job. The bundle must let the container's root pass. */
  #write(request: StartRequest): string {
    const { bundle, spec } = request;
    chmodSync(bundle, 0o711);
    removeExitFile(request.state);
    const files = cgroupFiles(this.#cgroups, spec.linux.cgroupsPath);
    const job = join(bundle, "job");
    writeFileSync(join(bundle, "config.json"), JSON.stringify(spec), { mode: 0o600 });
    writeFileSync(job, encodeJob(request, this.#root(request.runtime), files), { mode: 0o600 });
    return job;
  }

  #root(runtime: OciRuntime): string {
    return join(this.#options.root, runtime.name);
  }

  async #open(id: string, bundle: string, state: string): Promise<ShimClient> {
    const client = await ShimClient.open(bundle, () => this.#lost(bundle, state));
    this.#clients.set(id, client);
    void client.finished.then(() => {
      if (this.#clients.get(id) === client) this.#clients.delete(id);
    });
    return client;
  }

  /** The shim is gone without a word: what it left in exit.json, else its container is killed and counts as that. */
  async #lost(bundle: string, state: string): Promise<ExitStatus> {
    const before = readExitFile(state);
    if (before !== undefined) return before;
    const path = cgroupsPathOf(bundle);
    if (path !== undefined) await killCgroup(this.#cgroups, path);
    return { code: KILLED, oomKilled: false, at: timeText(BigInt(Date.now()) * 1_000_000n) };
  }

  async #deleteByHand(id: string, bundle: string, runtime: OciRuntime): Promise<void> {
    const path = cgroupsPathOf(bundle);
    if (path !== undefined) await killCgroup(this.#cgroups, path);
    const root = this.#root(runtime);
    if (!existsSync(join(root, id))) return;
    try {
      await run(runtime.path, [...runtime.args, "--root", root, "delete", "--force", id], { timeout: DELETE_MS });
    } catch (error) {
      if (existsSync(join(root, id)))
        throw new HoyError("internal", `${runtime.name} can't remove container ${id}`, { cause: error });
    }
  }
}

/** From the bundle's config.json; undefined when there is none to read. */
function cgroupsPathOf(bundle: string): string | undefined {
  const file = join(bundle, "config.json");
  if (!existsSync(file)) return undefined;
  const spec: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (typeof spec !== "object" || spec === null || !("linux" in spec)) return undefined;
  const { linux } = spec;
  if (typeof linux !== "object" || linux === null || !("cgroupsPath" in linux)) return undefined;
  return typeof linux.cgroupsPath === "string" ? linux.cgroupsPath : undefined;
}

/** No shim listens: no socket, or one whose owner is gone. */
function isNobody(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOENT" || error.code === "ECONNREFUSED";
}
