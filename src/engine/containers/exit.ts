// What happens when a container's process has ended: the record, the event, those who wait, the network; then the
// restart policy or the removal it was created with.

import { log } from "../../base/log.ts";
import { span } from "../../base/trace.ts";
import type { ExitStatus, Shim } from "../../runtime/contract.ts";
import type { EngineContext } from "../context.ts";
import { parseRfc3339 } from "../time.ts";
import type { Container } from "./container.ts";
import { move } from "./machine.ts";
import { mountAttributes } from "./mounts.ts";
import { emitNetworks } from "./network-events.ts";
import { removeLocked } from "./remove.ts";
import { shouldRestart } from "./restart-policy.ts";
import { scheduleRestart } from "./restart-timer.ts";
import { unmountVolumes } from "./volume-use.ts";

/** Calls `ended` when the shim says so. */
export function watchExit(engine: EngineContext, container: Container, shim: Shim): void {
  shim.exited
    .then((status) => {
      // A fast container may end while its start still holds the lock: then this waits for it.
      return container.lock.run(async () => {
        if (container.shim === shim) await ended(engine, container, status);
      });
    })
    .catch((error) => log.error("the end of a container could not be handled", { container: container.id, error }));
}

/** For whoever holds the lock. Also for an end that happened while no engine was there. */
export function ended(engine: EngineContext, container: Container, status: ExitStatus): Promise<void> {
  return span("container.exit", { id: container.id, code: status.code }, async () => {
    const { state, spec, id } = container;
    container.shim = undefined;
    container.running?.abort();
    container.running = undefined;
    const ranMs = lasted(state.startedAt, status.at);
    const again = !engine.closing.aborted && wantsRestart(container, status.code);
    move(state, again ? "restarting" : "exited");
    Object.assign(state, { pid: 0, exitCode: status.code, oomKilled: status.oomKilled, finishedAt: status.at });
    engine.events.emit("container", "die", id, {
      ...container.attributes,
      execDuration: String(Math.max(0, Math.floor(ranMs / 1000))),
      exitCode: String(status.code),
    });
    engine.containers.touch(container);
    container.waiters.exited({ StatusCode: status.code });
    for (const listener of container.exitListeners) listener();
    await span("runtime.cleanup", {}, () => release(engine, container));
    emitNetworks(engine, container, "disconnect");
    container.reservation = undefined;
    for (const mount of spec.mounts) {
      if (mount.type === "volume") engine.volumes.emitMount("unmount", mount.name, mountAttributes(container, mount));
    }
    if (again) scheduleRestart(engine, container, ranMs);
    else if (spec.hostConfig.AutoRemove && container.restarts === 0 && !engine.closing.aborted) {
      await removeLocked(engine, container, { volumes: true, link: false });
    }
  });
}

function wantsRestart(container: Container, exitCode: number): boolean {
  return shouldRestart(container.spec.hostConfig.RestartPolicy, {
    exitCode,
    restartCount: container.state.restartCount,
    stopped: container.stopping,
  });
}

/** Everything that ends with the process. What fails is tried again when the container starts or goes. */
async function release(engine: EngineContext, container: Container): Promise<void> {
  const { id, paths, spec } = container;
  const results = await Promise.allSettled([
    engine.network.release(id),
    engine.runtime.cleanup(id, paths.bundle, engine.ociRuntime(spec.hostConfig.Runtime)),
  ]);
  await unmountVolumes(engine, container);
  container.clean = results.every((result) => result.status === "fulfilled");
  for (const result of results) {
    if (result.status === "rejected")
      log.warn("clean-up after a container failed", { container: id, error: result.reason });
  }
}

function lasted(from: string, to: string): number {
  const [start, end] = [parseRfc3339(from), parseRfc3339(to)];
  return start === undefined || end === undefined ? 0 : Number((end - start) / 1_000_000n);
}
