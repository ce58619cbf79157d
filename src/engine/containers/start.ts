// POST /containers/{id}/start, and the starts of restart policies. Each step is a span. Nothing is written before the
// process runs: the bundle's directory is the mark that a start was tried, and whoever opens the engine next asks the
// shim there (see recover.ts).

import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { HoyError, toHoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import { span } from "../../base/trace.ts";
import type { Reservation } from "../../network/contract.ts";
import type { Shim, StartRequest } from "../../runtime/contract.ts";
import { startExitCode } from "../../runtime/shim/failures.ts";
import { buildSpec } from "../../runtime/spec/build.ts";
import { DEFAULT_SHM_SIZE } from "../../runtime/spec/default-mounts.ts";
import { prepareBinds } from "../../runtime/spec/prepare.ts";
import { makeSharedMemory, releaseSharedMemory } from "../../runtime/spec/shm.ts";
import type { EngineContext } from "../context.ts";
import { roomToMount } from "../disk-limit.ts";
import { now } from "../time.ts";
import type { Container } from "./container.ts";
import { isBounded } from "./disk-size.ts";
import { watchExit } from "./exit.ts";
import { startHealthChecks } from "./health.ts";
import { mountImages } from "./image-mounts.ts";
import { logSettings } from "./log-config.ts";
import { isActive, move } from "./machine.ts";
import { mountAttributes } from "./mounts.ts";
import { emitNetworks } from "./network-events.ts";
import { networkRequest } from "./network-request.ts";
import { removeLocked } from "./remove.ts";
import { specInput } from "./spec-input.ts";
import { unstageSubpaths } from "./subpath.ts";
import { mountVolumes, unmountVolumes } from "./volume-use.ts";

/** A user's start: counts begin anew. @throws HoyError "not-modified" when it runs, "conflict" when it can't. */
export function startContainer(engine: EngineContext, container: Container): Promise<void> {
  return container.lock.run(async () => {
    const { state } = container;
    if (state.status === "paused") {
      throw new HoyError("conflict", "cannot start a paused container, try unpause instead");
    }
    if (isActive(state)) throw new HoyError("not-modified", `container ${container.id} is already running`);
    if (state.status === "removing" || state.status === "dead") {
      throw new HoyError("conflict", "container is marked for removal and cannot be started");
    }
    state.restartCount = 0;
    container.quickExits = 0;
    await startLocked(engine, container);
  });
}

/** The start itself, for whoever holds the container's lock. On an error the container is as it was, with the reason. */
export async function startLocked(engine: EngineContext, container: Container): Promise<void> {
  const { state, id } = container;
  engine.runtime.anticipateStart();
  // Before the first step, and not when it runs: who stops it in the midst marks what starts here.
  container.stopping = false;
  state.manuallyStopped = false;
  try {
    await span("container.start", { id }, () => start(engine, container));
  } catch (thrown) {
    const error = toHoyError(thrown);
    for (const pending of container.pending) pending.cancel();
    container.pending.clear();
    state.error = error.message;
    state.exitCode = startExitCode(error.message) ?? 128;
    if (state.status === "restarting") move(state, "exited");
    engine.containers.save(container);
    if (container.spec.hostConfig.AutoRemove) {
      await removeLocked(engine, container, { volumes: true, link: false }).catch((reason) => {
        log.error("a container that failed to start could not be removed", { id, error: reason });
      });
    }
    throw error;
  }
}

async function start(engine: EngineContext, container: Container): Promise<void> {
  const { spec, state, paths, id } = container;
  const lowers = await span("image.mount", {}, () => engine.images.lowersOf(id));
  await using undo = new AsyncDisposableStack();
  container.clean = false;
  undo.defer(() => unmountVolumes(engine, container));
  await span("volumes.mount", {}, () => mountVolumes(engine, container, lowers));
  await mountImages(engine, container);
  const reservation = await span("network.reserve", {}, () => engine.network.reserve(networkRequest(spec)));
  undo.defer(() => engine.network.release(id));
  mkdirSync(paths.bundle, { recursive: true, mode: 0o711 });
  undo.defer(() => rm(paths.bundle, { recursive: true, force: true }));
  if (spec.hostConfig.IpcMode === "shareable") {
    makeSharedMemory(paths.bundle, spec.hostConfig.ShmSize ?? DEFAULT_SHM_SIZE, spec.idMap);
    undo.defer(() => releaseSharedMemory(paths.bundle));
  }
  undo.defer(() => unstageSubpaths(engine.settings.paths, id));
  const built = await span("spec.build", {}, async () =>
    buildSpec(await specInput(engine, container, lowers, reservation)),
  );
  for (const warning of built.warnings) log.warn(warning, { container: id });
  await span("binds.prepare", {}, () => prepareBinds(built.binds));
  const request: StartRequest = {
    id,
    bundle: paths.bundle,
    state: paths.root,
    spec: built.spec,
    rootfs: { lowers, upper: paths.upper, work: paths.work },
    idMap: spec.idMap,
    binds: built.binds,
    terminal: spec.config.Tty ?? false,
    consoleSize: consoleSize(container),
    openStdin: spec.config.OpenStdin ?? false,
    stdinOnce: spec.config.StdinOnce ?? false,
    log: logSettings(spec, paths.log),
    runtime: engine.ociRuntime(spec.hostConfig.Runtime),
    hold: container.pending.size > 0,
    onNetworkNamespace:
      reservation.namespace.kind === "managed"
        ? (pid) => span("network.connect", {}, () => engine.network.connect(id, `/proc/${pid}/ns/net`))
        : undefined,
  };
  using _room = isBounded(engine, spec.hostConfig) ? roomToMount(paths.work) : undefined;
  const shim = await span("runtime.start", { runtime: request.runtime.name }, () =>
    engine.runtime.start(request, (early) => servePending(container, early)),
  );
  undo.move();
  unstageSubpaths(engine.settings.paths, id);
  move(state, "running");
  Object.assign(state, { pid: shim.pid, exitCode: 0, error: "", oomKilled: false, startedAt: now() });
  took(engine, container, shim, reservation);
  for (const mount of spec.mounts) {
    if (mount.type === "volume") engine.volumes.emitMount("mount", mount.name, mountAttributes(container, mount));
  }
  emitNetworks(engine, container, "connect");
  engine.events.emit("container", "start", id, container.attributes);
  saveStarted(engine, container);
  // Those that came between the shim's start and now; the output's beginning is theirs only by chance.
  await servePending(container, shim);
}

/** What a running container has in memory; also for one that a former engine started. */
export function took(
  engine: EngineContext,
  container: Container,
  shim: Shim,
  reservation: Reservation,
  adopted = false,
): void {
  container.shim = shim;
  container.reservation = reservation;
  container.running = new AbortController();
  watchExit(engine, container, shim);
  shim.onOom(() => {
    engine.events.emit("container", "oom", container.id, container.attributes);
  });
  startHealthChecks(engine, container, adopted);
}

/** Without a restart policy nothing is lost with a power cut: the container has ended then, whatever the row says. */
function saveStarted(engine: EngineContext, container: Container): void {
  const policy = container.spec.hostConfig.RestartPolicy?.Name ?? "";
  if (policy === "" || policy === "no") engine.containers.touch(container);
  else engine.containers.save(container);
}

/** Gives those who attached before the start their streams; the shim holds the output back meanwhile. */
async function servePending(container: Container, shim: Shim): Promise<void> {
  const waiting = [...container.pending];
  container.pending.clear();
  const served = await Promise.allSettled(waiting.map((pending) => pending.serve(shim)));
  for (const one of served) {
    if (one.status === "rejected") log.warn("attach failed", { container: container.id, error: one.reason });
  }
}

function consoleSize(container: Container): StartRequest["consoleSize"] {
  const [height = 0, width = 0] = container.spec.hostConfig.ConsoleSize ?? [];
  return height > 0 && width > 0 ? { height, width } : undefined;
}
