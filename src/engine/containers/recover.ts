// At the engine's start: what the last one left. It may have been killed at any step, so nothing is believed but the
// rows and what is on disk:
//
//   row, no directory `upper`     half created or half removed: finished off
//   bundle directory              a start was tried: the shim or its exit file says what became of it
//   "running" without a bundle    the host went down: it has ended, when nobody knows
//   users of images without a row released, and what is in tmp/ removed
//
// Then the restart policies start what they should. All in parallel, so many at a time.

import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { log } from "../../base/log.ts";
import { paths } from "../../base/paths.ts";
import { span } from "../../base/trace.ts";
import { within } from "../../base/within.ts";
import type { ExitStatus, Shim } from "../../runtime/contract.ts";
import { readExitFile } from "../../runtime/shim/exit-file.ts";
import type { EngineContext } from "../context.ts";
import { mapLimited } from "../lock.ts";
import { now, ZERO_TIME } from "../time.ts";
import { cgroupOf } from "./cgroup.ts";
import type { Container } from "./container.ts";
import { ended } from "./exit.ts";
import { isActive, isRunning, move } from "./machine.ts";
import { networkRequest } from "./network-request.ts";
import { removeLocked } from "./remove.ts";
import { shouldStartAtBoot } from "./restart-policy.ts";
import { startLocked, took } from "./start.ts";
import { sweepSubpaths } from "./subpath.ts";
import { retakeVolumes } from "./volume-use.ts";

const AT_ONCE = 16;
/** How long its shim may take to tell the end of a container whose process has gone: it may hold the output for two seconds. */
const END_MS = 5000;
/** Of a container whose end nobody saw, as Docker gives it. */
const UNSEEN: Omit<ExitStatus, "at"> = { code: 255, oomKilled: false };

/** Takes up, finishes or undoes every container; returns those that the restart policies want started. */
export async function recoverContainers(engine: EngineContext): Promise<Container[]> {
  return span("engine.recover", {}, async () => {
    const all = engine.containers.all();
    const wanted = await mapLimited(all, AT_ONCE, (container) =>
      container.lock
        .run(() => recover(engine, container))
        .catch((error) => {
          log.error("a container could not be taken up", { container: container.id, error });
          // A removal that can't be finished now is asked for again.
          if (container.state.status === "removing") container.state.status = "dead";
          return false;
        }),
    );
    await engine.volumes.settle();
    // What can't be taken away now is tried again at the next start; the engine is of more use when it runs.
    for (const step of [sweepImages, sweepDirectories, sweepBundles, sweepStaged]) {
      await step(engine).catch((error) => log.error("what a former engine left could not be removed", { error }));
    }
    return all.filter((_, index) => wanted[index] === true);
  });
}

/** Starts what `recoverContainers` returned. Errors are the containers' own, and logged. */
export async function startRecovered(engine: EngineContext, containers: readonly Container[]): Promise<void> {
  await mapLimited(containers, AT_ONCE, (container) =>
    container.lock
      .run(async () => {
        if (!engine.closing.aborted && !isRunning(container.state)) await startLocked(engine, container);
      })
      .catch((error) => log.warn("a container could not be started again", { container: container.id, error })),
  );
}

/** Whether the restart policy wants it started. For whoever holds the lock. */
async function recover(engine: EngineContext, container: Container): Promise<boolean> {
  const { state } = container;
  container.clean = !existsSync(container.paths.bundle);
  if (!existsSync(container.paths.upper) || state.status === "removing" || state.status === "dead") {
    await finishOff(engine, container);
    return false;
  }
  const before = { ...state };
  const ran = isActive(state);
  // An end that was not written any more stands in its file, also when the bundle was cleaned away already.
  let found = existsSync(container.paths.bundle)
    ? await engine.runtime.adopt(container.id, container.paths.bundle, container.paths.root)
    : readExitFile(container.paths.root);
  if (found !== undefined && "exited" in found) {
    const end = await takeUpOrEnd(engine, container, found);
    if (end === undefined) return false;
    found = end;
  }
  await tookEnd(engine, container, found);
  if (engine.containers.byId(container.id) === undefined) return false;
  if (container.spec.hostConfig.AutoRemove && state.status === "exited") {
    await removeLocked(engine, container, { volumes: true, link: false });
    return false;
  }
  const policy = container.spec.hostConfig.RestartPolicy;
  return shouldStartAtBoot(policy, {
    ran: ran || found !== undefined,
    everStarted: before.startedAt !== ZERO_TIME || found !== undefined,
    exitCode: state.exitCode,
    restartCount: state.restartCount,
    stopped: state.manuallyStopped,
  });
}

/** Its end, if that came in the midst: what there is to connect is gone then, and the steps fail for it. */
async function takeUpOrEnd(engine: EngineContext, container: Container, shim: Shim): Promise<ExitStatus | undefined> {
  try {
    await takeUp(engine, container, shim);
    return undefined;
  } catch (error) {
    // Once it counts as taken up, its end is watched for.
    if (container.shim !== undefined || existsSync(`/proc/${shim.pid}`)) throw error;
    if (!(await within(shim.exited, END_MS))) throw error;
    return shim.exited;
  }
}

/** It runs on: everything is connected again as if this engine had started it. */
async function takeUp(engine: EngineContext, container: Container, shim: Shim): Promise<void> {
  const { state } = container;
  if (!isRunning(state)) {
    // The start was not written any more.
    move(state, "running");
    Object.assign(state, { startedAt: now(), exitCode: 0, error: "", manuallyStopped: false });
  }
  // It was told to end, and still may.
  container.stopping = state.manuallyStopped;
  state.pid = shim.pid;
  // A pause that was not written any more, or a copy that was under way.
  if (state.status === "running") await cgroupOf(engine, container).thaw();
  const managed = `/proc/${shim.pid}/ns/net`;
  const reservation = await engine.network.adopt(networkRequest(container.spec), managed);
  container.clean = false;
  await retakeVolumes(engine, container);
  took(engine, container, shim, reservation, true);
  await engine.retakeExecs(container, shim);
  engine.containers.touch(container);
}

/** It has ended, or never began. `status`: how, when the shim could still say it. */
async function tookEnd(engine: EngineContext, container: Container, status: ExitStatus | undefined): Promise<void> {
  const { state } = container;
  if (status === undefined && !isActive(state)) {
    await clean(engine, container);
    return;
  }
  if (state.status === "created" || state.status === "exited") {
    if (status === undefined || status.at <= state.finishedAt) {
      await clean(engine, container);
      return;
    }
    move(state, "running");
    Object.assign(state, { startedAt: status.at });
  }
  if (state.status === "restarting") {
    move(state, "exited");
    await clean(engine, container);
    engine.containers.touch(container);
    return;
  }
  // No policy now: at the engine's start another rule decides.
  container.stopping = true;
  await ended(engine, container, status ?? { ...UNSEEN, at: now() });
  container.stopping = false;
}

/** What a start that never was has left. */
async function clean(engine: EngineContext, container: Container): Promise<void> {
  if (container.clean) return;
  await engine.network.release(container.id);
  const runtime = engine.ociRuntime(container.spec.hostConfig.Runtime);
  await engine.runtime.cleanup(container.id, container.paths.bundle, runtime);
  container.clean = true;
}

async function finishOff(engine: EngineContext, container: Container): Promise<void> {
  const { state } = container;
  log.info("finishing the removal of a container", { container: container.id });
  if (existsSync(container.paths.bundle)) {
    const found = await engine.runtime.adopt(container.id, container.paths.bundle, container.paths.root);
    if (found !== undefined && "exited" in found) await found.signal(9).then(() => found.exited);
  }
  container.clean = false;
  state.status = "removing";
  await removeLocked(engine, container, { volumes: false, link: false });
}

/** Layers held for containers without a row, and for the images mounted in them. */
async function sweepImages({ images, containers }: EngineContext): Promise<void> {
  for (const { user } of images.users()) {
    const container = /^([0-9a-f]{64})(?:\.\d+)?$/.exec(user)?.[1];
    if (container !== undefined && containers.byId(container) === undefined) await images.release(user);
  }
}

/** Directories without a row, and what was thrown away and is not gone. */
async function sweepDirectories({ settings, containers }: EngineContext): Promise<void> {
  const root = join(settings.paths.data, "containers");
  for (const name of await readdir(root)) {
    if (containers.byId(name) === undefined) await rm(join(root, name), { recursive: true, force: true });
  }
  const temporary = paths.temporary(settings.paths);
  for (const name of await readdir(temporary)) {
    if (/^(container|volume)-/.test(name)) await rm(join(temporary, name), { recursive: true, force: true });
  }
}

async function sweepStaged({ settings }: EngineContext): Promise<void> {
  sweepSubpaths(settings.paths);
}

/** Bundles without a row; whatever runs in one is ended. */
async function sweepBundles(engine: EngineContext): Promise<void> {
  const run = join(engine.settings.paths.run, "containers");
  for (const name of await readdir(run)) {
    if (engine.containers.byId(name) !== undefined) continue;
    log.warn("a bundle without a container", { path: join(run, name) });
    await engine.network.release(name);
    await engine.runtime.cleanup(name, join(run, name), engine.ociRuntime(undefined));
  }
}
