// DELETE /containers/{id}. The directory is renamed away (at once, however large) before the row goes, so a crash
// leaves either the whole container or a row without a directory, which the next start of the engine takes away.

import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import { paths } from "../../base/paths.ts";
import { span } from "../../base/trace.ts";
import { isErrno } from "../../linux/libc.ts";
import type { EngineContext } from "../context.ts";
import { liftLimit } from "../disk-limit.ts";
import type { Container } from "./container.ts";
import { releaseImages } from "./image-mounts.ts";
import { killForRemoval } from "./kill.ts";
import { isRunning, move } from "./machine.ts";
import { cancelRestart } from "./restart-timer.ts";
import { endUnreachable, isUnreachable } from "./unreachable.ts";
import { anonymousVolumes } from "./volume-use.ts";

/** Kills of a container that the restart policy or another client starts meanwhile. */
const ROUNDS = 10;

export interface RemoveOptions {
  readonly force: boolean;
  readonly volumes: boolean;
  readonly link: boolean;
}

/** @throws HoyError "conflict" with Docker's words when it runs and is not forced. */
export async function removeContainer(
  engine: EngineContext,
  container: Container,
  options: RemoveOptions,
): Promise<void> {
  if (container.removing) {
    throw new HoyError("conflict", `removal of container ${container.id} is already in progress`);
  }
  for (let round = 0; round < ROUNDS; round++) {
    refuseActive(container, options.force);
    if (options.force && isRunning(container.state)) await killForRemoval(engine, container);
    if (await removeIfEnded(engine, container, options)) return;
  }
  throw new HoyError("conflict", `container ${container.id} is started again each time it is killed`);
}

/** False when it runs, by a start that had the lock until now: its end is waited for outside of the lock, which it needs. */
function removeIfEnded(engine: EngineContext, container: Container, options: RemoveOptions): Promise<boolean> {
  return container.lock.run(async () => {
    if (engine.containers.byId(container.id) === undefined) return true;
    refuseActive(container, options.force);
    if (isRunning(container.state) && !isUnreachable(container)) return false;
    if (container.state.status === "restarting") cancelRestart(engine, container);
    await endUnreachable(engine, container);
    await removeLocked(engine, container, options);
    return true;
  });
}

function refuseActive(container: Container, force: boolean): void {
  const { status } = container.state;
  const what = {
    running: "stop the container before removing or force remove",
    paused: "unpause and then stop the container before removing or force remove",
    restarting: "stop the container before removing or force remove",
  } as Readonly<Record<string, string>>;
  if (force || what[status] === undefined) return;
  throw new HoyError("conflict", `cannot remove container "${container.id}": container is ${status}: ${what[status]}`);
}

/** The removal itself, for whoever holds the lock; the container does not run. */
export function removeLocked(
  engine: EngineContext,
  container: Container,
  options: Pick<RemoveOptions, "volumes" | "link">,
): Promise<void> {
  return span("container.remove", { id: container.id }, async () => {
    const { state, spec, id } = container;
    if (state.status !== "removing") move(state, "removing");
    container.removing = true;
    const doomed = options.volumes ? anonymousVolumes(container) : [];
    try {
      engine.volumes.doom(doomed, true);
      await span("files.discard", {}, () => discardFiles(engine, container));
      if (!container.clean) {
        await engine.network.release(id);
        await engine.runtime.cleanup(id, container.paths.bundle, engine.ociRuntime(spec.hostConfig.Runtime));
      }
      engine.events.emit("container", "destroy", id, container.attributes);
      await span("row.remove", {}, async () => engine.containers.remove(container));
    } catch (error) {
      container.removing = false;
      move(state, "dead");
      state.error = String(error);
      engine.volumes.doom(doomed, false);
      engine.containers.touch(container);
      throw error;
    }
    // Streams that clients have end by themselves, when what they hold has been read.
    for (const pending of container.pending) pending.cancel();
    engine.forgetExecs(container);
    engine.idRanges.release(spec.idMap);
    await span("image.release", {}, async () => {
      await engine.images.release(id);
      await releaseImages(engine, id, spec.mounts);
    });
    await removeVolumes(engine, doomed);
    container.waiters.removed({ StatusCode: state.exitCode });
  });
}

/** Out of the way by one rename; the files themselves go while nobody waits. */
async function discardFiles(engine: EngineContext, container: Container): Promise<void> {
  const gone = join(paths.temporary(engine.settings.paths), `container-${container.id}`);
  try {
    liftLimit(container.paths.work);
    await rename(container.paths.root, gone);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  rm(gone, { recursive: true, force: true }).catch((error) => {
    log.warn("a removed container's files are still there", { container: container.id, path: gone, error });
  });
}

/** Those that nobody else uses. */
async function removeVolumes(engine: EngineContext, names: readonly string[]): Promise<void> {
  for (const name of names) await engine.volumes.removeUnused(name);
  const kept = names.filter((name) => engine.volumes.get(name) !== undefined);
  engine.volumes.doom(kept, false);
}
