// POST /containers/{id}/pause and unpause: the cgroup freezer (v1 freezer.state, v2 cgroup.freeze).

import { HoyError } from "../../base/error.ts";
import type { EngineContext } from "../context.ts";
import { cgroupOf, requireRunning } from "./cgroup.ts";
import type { Container } from "./container.ts";
import { isRunning, move } from "./machine.ts";

/** @throws HoyError "conflict" when it does not run or is paused already. */
export function pauseContainer(engine: EngineContext, container: Container): Promise<void> {
  return container.lock.run(async () => {
    if (container.state.status === "paused") {
      throw new HoyError("conflict", `container ${container.id} is already paused`);
    }
    requireRunning(container);
    await cgroupOf(engine, container).freeze();
    move(container.state, "paused");
    engine.events.emit("container", "pause", container.id, container.attributes);
    engine.containers.save(container);
  });
}

/** @throws HoyError "conflict" when it is not paused. */
export function unpauseContainer(engine: EngineContext, container: Container): Promise<void> {
  return container.lock.run(async () => {
    if (container.state.status !== "paused") {
      throw new HoyError("conflict", `container ${container.id} is not paused`);
    }
    await unpauseLocked(engine, container);
  });
}

/** After a signal that is meant to end a paused container: it can act on it only when it runs. */
export function thaw(engine: EngineContext, container: Container): Promise<void> {
  return container.lock.run(async () => {
    if (container.state.status === "paused") await unpauseLocked(engine, container);
  });
}

async function unpauseLocked(engine: EngineContext, container: Container): Promise<void> {
  await cgroupOf(engine, container).thaw();
  if (!isRunning(container.state)) return;
  move(container.state, "running");
  engine.events.emit("container", "unpause", container.id, container.attributes);
  engine.containers.save(container);
}

/** Stops the processes for a consistent copy, without a word to anyone. The result undoes it. */
export async function freezeForCopy(engine: EngineContext, container: Container): Promise<() => Promise<void>> {
  if (container.state.status !== "running") return async () => undefined;
  const cgroup = cgroupOf(engine, container);
  await cgroup.freeze();
  return async () => {
    if (container.state.status === "running") await cgroup.thaw();
  };
}
