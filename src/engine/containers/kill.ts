// POST /containers/{id}/kill: a signal to the first process. One that is meant to end it also ends the restart policy,
// and thaws a paused container, which could not act on it otherwise.

import type { KillOptions } from "../../api/backend.ts";
import { HoyError, leadIn } from "../../base/error.ts";
import { within } from "../../base/within.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { isRunning } from "./machine.ts";
import { thaw } from "./pause.ts";
import { cancelRestart } from "./restart-timer.ts";
import { parseSignal, SIGKILL, SIGTERM } from "./signals.ts";
import { endUnreachable, isUnreachable } from "./unreachable.ts";

/** SIGINT and SIGQUIT too: what a user at a keyboard ends things with. */
const ENDING = new Set([SIGKILL, SIGTERM, 2, 3]);

/** A process in an uninterruptible call outlives SIGKILL for as long as the call takes. */
const KILLED_WITHIN_MS = 30_000;

/** @throws HoyError "conflict" when it does not run, "invalid" for an unknown signal. */
export async function killContainer(engine: EngineContext, ref: string, options: KillOptions): Promise<void> {
  const container = found(engine, ref);
  const signal = options.signal === undefined || options.signal === "" ? SIGKILL : parseSignal(options.signal);
  const ends = ENDING.has(signal) || signal === stopSignal(container);
  if (!(await betweenTries(engine, container, ends))) {
    if (!isRunning(container.state)) throw notRunning(container, ref);
    if (ends) markStopped(engine, container);
    if (signal === SIGKILL && isUnreachable(container)) {
      await container.lock.run(() => endUnreachable(engine, container));
    } else {
      await signalContainer(container, signal);
      if (ends && container.state.status === "paused") await thaw(engine, container);
    }
  }
  engine.events.emit("container", "kill", container.id, { ...container.attributes, signal: String(signal) });
  if (signal === SIGKILL && container.shim !== undefined) await within(container.shim.exited, KILLED_WITHIN_MS);
}

/**
 * True when the restart policy waits for its next try: no process is there to be signalled, and one that was to end has
 * ended for good. A start that is under way is waited for: then it is what just started that gets the signal.
 */
async function betweenTries(engine: EngineContext, container: Container, ends: boolean): Promise<boolean> {
  if (isRunning(container.state)) return false;
  return container.lock.run(async () => {
    if (container.state.status !== "restarting") return false;
    if (ends) {
      markStopped(engine, container);
      cancelRestart(engine, container);
    }
    return true;
  });
}

/**
 * The end of this run is wanted: for whoever saw it run, or holds the lock, because a start begins without the mark.
 * `unless-stopped` keeps it down over a restart of the engine. Durable before the signal.
 */
export function markStopped(engine: EngineContext, container: Container): void {
  container.stopping = true;
  if (container.state.manuallyStopped) return;
  container.state.manuallyStopped = true;
  const policy = container.spec.hostConfig.RestartPolicy?.Name ?? "";
  if (policy === "" || policy === "no") engine.containers.touch(container);
  else engine.containers.save(container);
}

/** @throws HoyError "conflict" when the process has ended meanwhile. */
export async function signalContainer(container: Container, signal: number): Promise<void> {
  if (container.shim === undefined || !isRunning(container.state)) throw notRunning(container);
  try {
    await container.shim.signal(signal);
  } catch (error) {
    if (error instanceof HoyError && error.code === "conflict") throw notRunning(container);
    throw error;
  }
}

/** SIGKILL and the end of it, for a forced removal. */
export async function killForRemoval(engine: EngineContext, container: Container): Promise<void> {
  container.stopping = true;
  const { shim } = container;
  if (shim === undefined) return;
  try {
    await signalContainer(container, SIGKILL);
    engine.events.emit("container", "kill", container.id, { ...container.attributes, signal: String(SIGKILL) });
    if (container.state.status === "paused") await thaw(engine, container);
  } catch (error) {
    if (!(error instanceof HoyError && error.code === "conflict")) throw error;
  }
  if (await within(shim.exited, KILLED_WITHIN_MS)) return;
  throw new HoyError("internal", `could not kill container ${container.id}: it is still there after SIGKILL`);
}

export function stopSignal(container: Container): number {
  const text = container.spec.config.StopSignal;
  return text ? parseSignal(text) : SIGTERM;
}

/** @throws HoyError "not-found" in Docker's words, which say what was not done. */
function found(engine: EngineContext, ref: string): Container {
  try {
    return engine.containers.find(ref);
  } catch (error) {
    throw leadIn(`cannot kill container: ${ref}`, error);
  }
}

/** `ref`: as the client named it. */
function notRunning(container: Container, ref = container.id): HoyError {
  return new HoyError("conflict", `cannot kill container: ${ref}: container ${container.id} is not running`);
}
