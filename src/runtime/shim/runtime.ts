// The ContainerRuntime over hoy-shim: start, adopt, clean up. Everything that a container needs to be found again by
// the next engine is in its bundle and its state directory, nothing is in this process alone.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import { within } from "../../base/within.ts";
import { isErrno } from "../../linux/libc.ts";
import type { Cgroup } from "../cgroups/contract.ts";
import { type CgroupLayout, cgroupLayout } from "../cgroups/detect.ts";
import { GracePeriod } from "../cgroups/grace-period.ts";
import { openCgroup } from "../cgroups/open.ts";
import { prepareParent } from "../cgroups/parent.ts";
import { ownGroup, shimGroups } from "../cgroups/shim-group.ts";
import type { ContainerRuntime, ExitStatus, OciRuntime, Shim, StartRequest } from "../contract.ts";
import { releaseSharedMemory } from "../spec/shm.ts";
import { cgroupsPathOf, withNamespaces, withSize, writeSpec } from "./bundle-spec.ts";
import { ShimClient } from "./client.ts";
import { readExitFile, removeExitFile, timeText } from "./exit-file.ts";
import { foreignShim } from "./foreign.ts";
import { encodeJob, isKnownRuntime } from "./job.ts";
import { launchShim } from "./launch.ts";
import { SealedRuntimes } from "./sealed-runtimes.ts";
import { SeccompCache } from "./seccomp-cache.ts";
import { explainClosed } from "./traverse.ts";

const run = promisify(execFile);
const KILLED = 137;
const FINISH_MS = 10_000;
const DELETE_MS = 30_000;

export interface RuntimeOptions {
  /** Absolute path of the hoy-shim executable. */
  readonly shim: string;
  /** Where the OCI runtimes keep their records: one directory a runtime below it. Ends with the boot. */
  readonly root: string;
  /** cgroup.procs files that the shims write themselves into. Default: see `shimGroups`. */
  readonly shimCgroups?: readonly string[];
}

/** @throws HoyError "unavailable" when no cgroups are mounted. */
export function createRuntime(options: RuntimeOptions): ContainerRuntime {
  return new ShimRuntime(options, cgroupLayout(readFileSync("/proc/self/mountinfo", "utf8")));
}

/** Below the runtimes' records: bundles on their way out. Emptied by whoever opens the runtime next. */
const REMOVED = "removed";

class ShimRuntime implements ContainerRuntime {
  readonly #options: RuntimeOptions;
  readonly #cgroups: CgroupLayout;
  readonly #shimCgroups: readonly string[];
  readonly #gracePeriod: GracePeriod;
  readonly #removed: string;
  readonly #clients = new Map<string, ShimClient>();
  /** Of the containers that this engine started; for the others their bundles are read. */
  readonly #cgroupPaths = new Map<string, string>();
  readonly #seccomp = new SeccompCache();
  readonly #sealed = new SealedRuntimes();

  constructor(options: RuntimeOptions, cgroups: CgroupLayout) {
    this.#options = options;
    this.#cgroups = cgroups;
    this.#shimCgroups = options.shimCgroups ?? shimGroups(cgroups);
    this.#gracePeriod = new GracePeriod(ownGroup(cgroups)[0]);
    this.#removed = join(options.root, REMOVED);
    mkdirSync(this.#removed, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#removed)) removeLater(join(this.#removed, name));
  }

  anticipateStart(): void {
    this.#gracePeriod.anticipate();
  }

  /** crun's execs begin in the container's cgroups (shim/src/inside.h), and would wait for this wait. */
  anticipateExec(runtime: OciRuntime): void {
    if (basename(runtime.path) !== "crun") this.#gracePeriod.anticipate();
  }

  async start(request: StartRequest, beforeRun?: (shim: Shim) => Promise<void>): Promise<Shim> {
    try {
      const pid = await this.#launch(request);
      this.#seccomp.learn(request.spec, request.runtime, join(this.#root(request.runtime), request.id));
      const client = await this.#openStarted(request, pid);
      await beforeRun?.(client);
      if (beforeRun !== undefined && request.hold) await client.release();
      return client;
    } catch (error) {
      const told = request.idMap === undefined ? error : explainClosed(request.bundle, error);
      await this.cleanup(request.id, request.bundle, request.runtime);
      throw told;
    }
  }

  async adopt(id: string, bundle: string, state: string): Promise<Shim | ExitStatus | undefined> {
    try {
      return await this.#open(id, bundle, state);
    } catch (error) {
      if (!isNobody(error)) return this.#foreign(bundle, state, error);
    }
    const status = exitOf(bundle, state);
    if (status !== undefined) return status;
    return existsSync(join(bundle, "pid")) ? this.#lost(bundle, state) : undefined;
  }

  #foreign(bundle: string, state: string, reason: unknown): Shim | ExitStatus {
    const status = exitOf(bundle, state);
    if (status !== undefined) return status;
    log.warn("a container's shim can't be talked to", { bundle, error: reason });
    const shim = foreignShim({
      path: bundle,
      cgroup: this.#cgroup(cgroupsPathOf(bundle)),
      exit: () => exitOf(bundle, state),
      lost: () => this.#lost(bundle, state),
      reason,
    });
    if (shim === undefined) throw reason;
    return shim;
  }

  async cleanup(id: string, bundle: string, runtime: OciRuntime): Promise<void> {
    const client = this.#clients.get(id);
    this.#clients.delete(id);
    if (client !== undefined) await within(client.finished, FINISH_MS);
    // The shim removes its job last: while that is there, it was not the shim that cleaned up.
    if (existsSync(join(bundle, "job"))) await this.#deleteByHand(id, bundle, runtime);
    this.#cgroupPaths.delete(id);
    releaseSharedMemory(bundle);
    this.#discard(bundle);
  }

  /**
   * Out of the way at once; the files go while nobody waits, a crash leaves them to the next engine. Removing a directory on which something was mounted can
   * take the kernel 10 ms, when the mount namespace that it was mounted in is just going.
   */
  #discard(bundle: string): void {
    const gone = join(this.#removed, randomUUID());
    try {
      renameSync(bundle, gone);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return;
      throw error;
    }
    removeLater(gone);
  }

  /** A short-lived container may be over already, its shim too: then exit.json is there. */
  async #openStarted({ id, bundle, state }: StartRequest, pid: number): Promise<ShimClient> {
    try {
      return await this.#open(id, bundle, state);
    } catch (error) {
      if (!isNobody(error)) throw error;
      return ShimClient.ended(bundle, pid, await this.#lost(bundle, state));
    }
  }

  async #launch(request: StartRequest): Promise<number> {
    const { bundle, state, onNetworkNamespace } = request;
    const spec = this.#seccomp.apply(withSize(request), request.runtime);
    // The container's root, nobody on the host, must pass through to its root file system.
    chmodSync(bundle, 0o711);
    for (const directory of [state, bundle]) removeExitFile(directory);
    const job = join(bundle, "job");
    const sealed = this.#sealed.copyOf(request.runtime);
    writeFileSync(job, this.#job(request, sealed !== undefined), { mode: 0o600 });
    writeSpec(bundle, spec);
    if (spec.linux.cgroupsPath !== undefined) {
      this.#cgroupPaths.set(request.id, spec.linux.cgroupsPath);
      prepareParent(this.#cgroups, spec.linux.cgroupsPath);
    }
    return launchShim({
      shim: this.#options.shim,
      job,
      sealed,
      command: spec.process.args[0] ?? "",
      onNetwork:
        onNetworkNamespace === undefined
          ? undefined
          : async (pid) => {
              await onNetworkNamespace(pid);
              writeSpec(bundle, withNamespaces(spec, pid));
            },
    });
  }

  #job(request: StartRequest, sealed: boolean): Buffer {
    const { mode, unified } = this.#cgroups;
    return encodeJob(request, {
      runtimeRoot: this.#root(request.runtime),
      sealed,
      hide: mode === "hybrid" && unified !== undefined ? [unified] : [],
      shimCgroups: this.#shimCgroups,
      oomFiles: this.#cgroup(request.spec.linux.cgroupsPath)?.oomFiles() ?? [],
    });
  }

  #root(runtime: OciRuntime): string {
    return join(this.#options.root, runtime.name);
  }

  #cgroup(path: string | undefined): Cgroup | undefined {
    return path === undefined ? undefined : openCgroup(this.#cgroups, path);
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
    const before = exitOf(bundle, state);
    if (before !== undefined) return before;
    await this.#cgroup(cgroupsPathOf(bundle))?.killAll();
    return { code: KILLED, oomKilled: false, at: timeText(BigInt(Date.now()) * 1_000_000n) };
  }

  /** What the shim left to us, or could not do. The cgroup's processes go first: nothing may still use what is removed. */
  async #deleteByHand(id: string, bundle: string, runtime: OciRuntime): Promise<void> {
    const cgroup = this.#cgroup(this.#cgroupPaths.get(id) ?? cgroupsPathOf(bundle));
    const record = join(this.#root(runtime), id);
    if (isKnownRuntime(runtime) && cgroup !== undefined && (await cgroup.removeEmpty())) return this.#discard(record);
    await cgroup?.killAll();
    if (isKnownRuntime(runtime)) {
      this.#discard(record);
      await cgroup?.remove();
      return;
    }
    if (existsSync(record)) {
      const args = [...runtime.args, "--root", this.#root(runtime), "delete", "--force", id];
      try {
        await run(runtime.path, args, { timeout: DELETE_MS });
      } catch (error) {
        if (existsSync(record))
          throw new HoyError("internal", `${runtime.name} can't remove container ${id}`, { cause: error });
      }
    }
    await cgroup?.remove();
  }
}

/** The shim takes the bundle when the disk under the state directory is full. */
function exitOf(bundle: string, state: string): ExitStatus | undefined {
  return readExitFile(state) ?? readExitFile(bundle);
}

function removeLater(path: string): void {
  rm(path, { recursive: true, force: true }).catch((error: unknown) => {
    log.warn("what is left of an ended container could not be removed", { path, error });
  });
}

const NOBODY = new Set(["ENOENT", "ECONNREFUSED", "ECONNRESET"]);

/** No shim listens: no socket, or one whose owner is gone. */
function isNobody(error: unknown): boolean {
  if (!(error instanceof HoyError) || error.code !== "conflict") return false;
  const { cause } = error;
  return cause === undefined || (cause instanceof Error && "code" in cause && NOBODY.has(String(cause.code)));
}
