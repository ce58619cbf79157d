// Health checks: the check's command is run by exec, at intervals; so many failures in a row make a container
// unhealthy, one success makes it healthy. Failures while it is still starting don't count (moby daemon/health.go).

import { setTimeout as sleep } from "node:timers/promises";
import type { HealthConfig, HealthcheckResult } from "../../api/types/container.ts";
import { newId } from "../../base/id.ts";
import { log } from "../../base/log.ts";
import type { EngineContext } from "../context.ts";
import { Exec } from "../exec/exec.ts";
import { now } from "../time.ts";
import type { Container } from "./container.ts";
import { SIGKILL } from "./signals.ts";

const NS_PER_MS = 1_000_000;
const DEFAULTS = { interval: 30_000, timeout: 30_000, startInterval: 5_000, retries: 3 };
const OUTPUT_LIMIT = 4096;
const RESULTS_KEPT = 5;

export interface HealthPlan {
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

/** Undefined: the container has no check, or its check is NONE. */
export function healthPlan(config: HealthConfig | undefined, shell: readonly string[]): HealthPlan | undefined {
  const [kind, ...rest] = config?.Test ?? [];
  if (config === undefined || kind === undefined || kind === "NONE" || kind === "") return undefined;
  const ms = (ns: number | undefined, otherwise: number) => (ns ? ns / NS_PER_MS : otherwise);
  return {
    command: kind === "CMD-SHELL" ? [...shell, rest[0] ?? ""] : rest,
    intervalMs: ms(config.Interval, DEFAULTS.interval),
    timeoutMs: ms(config.Timeout, DEFAULTS.timeout),
    startPeriodMs: ms(config.StartPeriod, 0),
    startIntervalMs: ms(config.StartInterval, DEFAULTS.startInterval),
    retries: config.Retries || DEFAULTS.retries,
  };
}

/** Runs the checks until the container ends. A container that a former engine started keeps its state. */
export function startHealthChecks(engine: EngineContext, container: Container, adopted = false): void {
  const { config } = container.spec;
  const plan = healthPlan(config.Healthcheck, config.Shell ?? ["/bin/sh", "-c"]);
  if (plan === undefined) {
    container.state.health = undefined;
    return;
  }
  if (!adopted || container.state.health === undefined) {
    container.state.health = { Status: "starting", FailingStreak: 0, Log: [] };
  }
  const signal = container.running?.signal;
  if (signal === undefined) return;
  watch(engine, container, plan, signal).catch((error) => {
    if (!signal.aborted) log.error("health checks ended", { container: container.id, error });
  });
}

async function watch(
  engine: EngineContext,
  container: Container,
  plan: HealthPlan,
  signal: AbortSignal,
): Promise<void> {
  const started = Date.now();
  const starting = () => Date.now() - started < plan.startPeriodMs && container.state.health?.Status === "starting";
  while (!signal.aborted) {
    await sleep(starting() ? plan.startIntervalMs : plan.intervalMs, undefined, { signal, ref: false });
    if (container.state.status === "paused") continue;
    const result = await probe(engine, container, plan, signal);
    if (signal.aborted) return;
    record(engine, container, plan, result, starting());
  }
}

/** Takes a result into the state; tells of it when the status has changed. */
export function record(
  engine: Pick<EngineContext, "events" | "containers">,
  container: Container,
  plan: HealthPlan,
  result: HealthcheckResult,
  starting: boolean,
): void {
  const { health } = container.state;
  if (health === undefined) return;
  const before = health.Status;
  health.Log = [...(health.Log ?? []), result].slice(-RESULTS_KEPT);
  if (result.ExitCode === 0) {
    health.FailingStreak = 0;
    health.Status = "healthy";
  } else if (!starting) {
    health.FailingStreak = (health.FailingStreak ?? 0) + 1;
    if (health.FailingStreak >= plan.retries) health.Status = "unhealthy";
  }
  if (health.Status !== before) {
    engine.events.emit("container", `health_status: ${health.Status}`, container.id, container.attributes);
  }
  engine.containers.touch(container);
}

async function probe(
  engine: EngineContext,
  container: Container,
  plan: HealthPlan,
  signal: AbortSignal,
): Promise<HealthcheckResult> {
  const Start = now();
  try {
    const { code, output } = await runCheck(engine, container, plan, signal);
    return { Start, End: now(), ExitCode: code, Output: output };
  } catch (error) {
    return { Start, End: now(), ExitCode: -1, Output: error instanceof Error ? error.message : String(error) };
  }
}

async function runCheck(engine: EngineContext, container: Container, plan: HealthPlan, signal: AbortSignal) {
  const { shim } = container;
  if (shim === undefined) throw new Error("the container has ended");
  const request = { Cmd: [...plan.command], AttachStdout: true, AttachStderr: true };
  const exec = new Exec(newId(), container.id, request, container.spec.config.User ?? "");
  const handle = await engine.runExec(container, shim, exec, request);
  let output = "";
  const reading = (async () => {
    for await (const { data } of handle.stream?.output ?? []) {
      if (output.length < OUTPUT_LIMIT) output += Buffer.from(data).toString("utf8");
    }
  })();
  const timer = new AbortController();
  const late = sleep(plan.timeoutMs, "late" as const, { signal: AbortSignal.any([signal, timer.signal]) }).catch(
    () => "gone" as const,
  );
  const first = await Promise.race([handle.exited, late]);
  timer.abort();
  if (first === "late" || first === "gone") {
    endProcess(handle.pid);
    handle.stream?.close();
    return {
      code: -1,
      output: `Health check exceeded timeout (${plan.timeoutMs / 1000}s): ${output.slice(0, OUTPUT_LIMIT)}`,
    };
  }
  await reading;
  return { code: first.code, output: output.slice(0, OUTPUT_LIMIT) };
}

/** The check's own process, seen from the host; it is the shim's child and so is still there when it has not ended. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, SIGKILL);
  } catch (error) {
    log.debug("a late health check had ended", { pid, error });
  }
}
