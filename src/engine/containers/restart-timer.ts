// The pause between a container's end and the restart policy's next try. Stop, remove and the engine's own end cancel it.

import { log } from "../../base/log.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { move } from "./machine.ts";
import { LONG_RUN_MS, restartPause } from "./restart-policy.ts";

/** The container is "restarting". `ranMs`: how long it ran this time. */
export function scheduleRestart(engine: EngineContext, container: Container, ranMs: number): void {
  if (ranMs >= LONG_RUN_MS) container.quickExits = 0;
  const pause = restartPause(container.quickExits);
  container.quickExits++;
  container.restartTimer = setTimeout(() => {
    container.restartTimer = undefined;
    container.lock
      .run(async () => {
        if (container.state.status !== "restarting" || engine.closing.aborted) return;
        container.state.restartCount++;
        await engine.startLocked(container);
      })
      .catch((error) => log.warn("the restart policy could not start a container", { id: container.id, error }));
  }, pause);
}

/** Ends the wait for the next try: the container is "exited" then. For whoever holds the lock. */
export function cancelRestart(engine: EngineContext, container: Container): void {
  clearTimeout(container.restartTimer);
  container.restartTimer = undefined;
  if (container.state.status !== "restarting") return;
  move(container.state, "exited");
  engine.containers.touch(container);
}
