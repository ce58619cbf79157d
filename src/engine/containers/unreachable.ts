// A container that is said to run while this engine has no shim of it: it could not be taken up at the engine's start. To
// stop, kill or remove it must work all the same: whatever is left of it is killed by its cgroup, and it counts as that.

import { log } from "../../base/log.ts";
import type { EngineContext } from "../context.ts";
import { now } from "../time.ts";
import type { Container } from "./container.ts";
import { isRunning, move } from "./machine.ts";
import { unmountVolumes } from "./volume-use.ts";

const KILLED = 137;

export function isUnreachable(container: Container): boolean {
  return isRunning(container.state) && container.shim === undefined;
}

/** For whoever holds the lock. Nothing to do for one that has a shim, or does not run. */
export async function endUnreachable(engine: EngineContext, container: Container): Promise<void> {
  if (!isUnreachable(container)) return;
  const { state, spec, id, paths } = container;
  log.warn("a container that could not be taken up is ended", { container: id });
  await engine.runtime.cleanup(id, paths.bundle, engine.ociRuntime(spec.hostConfig.Runtime));
  await engine.network.release(id);
  await unmountVolumes(engine, container);
  container.clean = true;
  move(state, "exited");
  Object.assign(state, { pid: 0, exitCode: KILLED, finishedAt: now() });
  engine.events.emit("container", "die", id, { ...container.attributes, exitCode: String(KILLED) });
  engine.containers.touch(container);
  container.waiters.exited({ StatusCode: KILLED });
  for (const listener of container.exitListeners) listener();
}
