// Runs one command of a build to its end, and says what it changed.

import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import type { FinishedStep, Step } from "../../build/needs.ts";
import type { ExitStatus, Shim } from "../../runtime/contract.ts";
import { writeLayerTar } from "../../storage/tree/layer-tar.ts";
import { enginesOwn } from "../archive/mount-points.ts";
import type { EngineContext } from "../context.ts";
import { absolute, openPlace, type StepPlace, setUpStep } from "./step-setup.ts";

export async function runStep(engine: EngineContext, step: Step): Promise<FinishedStep> {
  step.signal.throwIfAborted();
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openPlace(engine, step.lowers));
  const status = await runIn(engine, step, place);
  if (step.signal.aborted) throw new HoyError("cancelled", "the build was cancelled");
  const owned = stack.move();
  const { upper } = place;
  const mountPoints = step.mounts.map(({ target }) => absolute(target, step.op.cwd));
  return {
    code: status.code,
    oomKilled: status.oomKilled,
    changes: (clamp, signal) =>
      writeLayerTar(upper, { omit: enginesOwn({ upper, lowers: step.lowers, mountPoints }), signal, clamp }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function runIn(engine: EngineContext, step: Step, place: StepPlace): Promise<ExitStatus> {
  await using ready = await setUpStep(engine, step, place, { terminal: false, stdin: false });
  const output = Promise.withResolvers<void>();
  output.promise.catch(() => undefined);
  const shim = await engine.runtime.start(ready.request, async (early) => {
    const stream = await early.attach({ stdin: false, stdout: true, stderr: true });
    pass(stream.output, step).then(output.resolve, output.reject);
  });
  const status = await ended(shim, step.signal);
  await output.promise;
  return status;
}

async function pass(output: AsyncIterable<{ stream: "stdout" | "stderr"; data: Uint8Array }>, step: Step) {
  for await (const { stream, data } of output) step.output(stream, data);
}

/** A cancelled step is killed; its end is waited for all the same. */
export async function ended(shim: Shim, signal: AbortSignal): Promise<ExitStatus> {
  const kill = () => {
    shim.signal(9).catch((error: unknown) => {
      if (!(error instanceof HoyError && error.code === "conflict")) log.error("a step could not be killed", { error });
    });
  };
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  try {
    return await shim.exited;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
