// POST /containers/{id}/stop and restart: the stop signal, time to act on it, then SIGKILL. A client that goes away does
// not call it off: the container has been told to end.

import type { StopOptions } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { span } from "../../base/trace.ts";
import { within } from "../../base/within.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { markStopped, signalContainer, stopSignal } from "./kill.ts";
import { isActive } from "./machine.ts";
import { thaw } from "./pause.ts";
import { cancelRestart } from "./restart-timer.ts";
import { parseSignal, SIGKILL } from "./signals.ts";
import { startContainer } from "./start.ts";
import { endUnreachable } from "./unreachable.ts";

const DEFAULT_TIMEOUT_S = 10;
/** After SIGKILL: a process in an uninterruptible call may take its time. */
const KILL_TIMEOUT_MS = 30_000;

/** @throws HoyError "not-modified" when it does not run. */
export async function stopContainer(engine: EngineContext, container: Container, options: StopOptions): Promise<void> {
  const asked = options.signal ? parseSignal(options.signal) : undefined;
  if (!(await stopRunning(engine, container, { signal: asked, timeout: options.timeout }))) {
    throw new HoyError("not-modified", `container ${container.id} is not running`);
  }
  engine.events.emit("container", "stop", container.id, container.attributes);
}

/** Stops it if it runs, starts it again. */
export async function restartContainer(
  engine: EngineContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  const asked = options.signal ? parseSignal(options.signal) : undefined;
  // Its removal at the end is for ends of its own.
  container.restarts++;
  try {
    await stopRunning(engine, container, { signal: asked, timeout: options.timeout });
  } finally {
    container.restarts--;
  }
  try {
    await startContainer(engine, container);
  } catch (error) {
    // Another client's start was between: it runs anew, as it was to.
    if (!(error instanceof HoyError && error.code === "not-modified")) throw error;
  }
  engine.events.emit("container", "restart", container.id, container.attributes);
}

/** False when it does not run, and no start was under way. */
async function stopRunning(
  engine: EngineContext,
  container: Container,
  options: { readonly signal: number | undefined; readonly timeout: number | undefined },
): Promise<boolean> {
  return span("container.stop", { id: container.id }, async () => {
    // Waits for a start that is under way, and cancels the restart policy's next try.
    const active = await container.lock.run(async () => {
      if (!isActive(container.state)) return false;
      markStopped(engine, container);
      cancelRestart(engine, container);
      await endUnreachable(engine, container);
      return true;
    });
    if (!active || container.shim === undefined) return active;
    const timeout = options.timeout ?? container.spec.config.StopTimeout ?? DEFAULT_TIMEOUT_S;
    const first = options.signal ?? stopSignal(container);
    if (await signalAndWait(engine, container, first, timeout < 0 ? undefined : timeout * 1000)) return true;
    if (await signalAndWait(engine, container, SIGKILL, KILL_TIMEOUT_MS)) return true;
    throw new HoyError("internal", `tried to kill container, but did not receive an exit event`);
  });
}

/** True when it has ended, its end handled. */
async function signalAndWait(
  engine: EngineContext,
  container: Container,
  number: number,
  waitMs: number | undefined,
): Promise<boolean> {
  const { shim } = container;
  if (shim === undefined) return true;
  try {
    await signalContainer(container, number);
    engine.events.emit("container", "kill", container.id, { ...container.attributes, signal: String(number) });
    if (container.state.status === "paused") await thaw(engine, container);
  } catch (error) {
    if (!(error instanceof HoyError && error.code === "conflict")) throw error;
  }
  const gone = await within(shim.exited, waitMs);
  if (gone) await container.lock.run(async () => undefined);
  return gone;
}
