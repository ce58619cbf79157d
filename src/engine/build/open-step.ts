// A command of a build that somebody speaks with: a frontend that runs here, a shell to look around in. The container
// lives as long as its first process; others may join it. Nothing of it is kept.

import type { OpenStep, StepCommand, StepContainer, StepIo, StepProcess } from "../../build/needs.ts";
import type { ExecHandle, ShimStream } from "../../runtime/contract.ts";
import type { OciProcess } from "../../runtime/oci.ts";
import { capabilitySets } from "../../runtime/spec/build.ts";
import { environmentOf } from "../../runtime/spec/process.ts";
import type { EngineContext } from "../context.ts";
import { ended } from "./run-step.ts";
import { absolute, openPlace, type ReadyStep, type StepPlace, setUpStep, userOf } from "./step-setup.ts";

export async function openStep(engine: EngineContext, step: OpenStep): Promise<StepContainer> {
  step.signal.throwIfAborted();
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openPlace(engine, step.lowers));
  const ready = stack.use(await setUpStep(engine, step, place, step));
  let stream: ShimStream | undefined;
  const shim = await engine.runtime.start(ready.request, async (early) => {
    stream = await early.attach({ stdin: step.stdin, stdout: true, stderr: true });
  });
  const over = new AbortController();
  const exited = ended(shim, AbortSignal.any([step.signal, over.signal]));
  // Before anything below it is taken away, nothing of it may run.
  stack.defer(async () => {
    over.abort();
    await exited;
    stream?.close();
  });
  if (stream === undefined) throw new Error("a step was started without its streams");
  const first: StepProcess = {
    ...streamOf(stream),
    exited,
    resize: (rows, columns) => shim.resize(rows, columns),
    signal: (number) => shim.signal(number),
  };
  const owned = stack.move();
  let count = 0;
  return {
    first,
    async exec(command) {
      const id = `${place.id.slice(0, 32)}-${++count}`;
      const process = await processOf(command, step, place, ready);
      const streams = { stdin: command.stdin, stdout: true, stderr: true };
      const handle = await shim.exec({ id, process, ...streams, consoleSize: undefined });
      return joined(handle);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function joined(handle: ExecHandle): StepProcess {
  const { stream, exited } = handle;
  if (stream === undefined) throw new Error("a process of a step was started without its streams");
  exited.then(
    () => handle.noted(),
    () => undefined,
  );
  return {
    ...streamOf(stream),
    exited,
    resize: (rows, columns) => handle.resize(rows, columns),
    signal: (number) => handle.signal(number),
  };
}

function streamOf(stream: ShimStream): Pick<StepProcess, "output" | "write" | "endInput"> {
  return { output: stream.output, write: (data) => stream.write(data), endInput: () => stream.endInput() };
}

/** As the first process was started, with what this one has of its own. */
async function processOf(
  { args, env, cwd, user: name, terminal }: StepCommand & StepIo,
  step: OpenStep,
  place: StepPlace,
  { request, config }: ReadyStep,
): Promise<OciProcess> {
  const { consoleSize: _, ...base } = request.spec.process;
  const user = await userOf(step, place.upper, name);
  return {
    ...base,
    terminal,
    user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
    args: [...args],
    env: environmentOf({ ...config, Tty: terminal, Env: [...env] }, user.home),
    cwd: absolute(cwd || "/", "/"),
    capabilities: capabilitySets(base.capabilities?.bounding ?? [], user.uid),
  };
}
