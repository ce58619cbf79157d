// The API's exec verbs: create, start, inspect, resize.

import type { AttachStream, ExecBackend, OutputChunk } from "../../api/backend.ts";
import type { ExecCreateRequest, ExecInspectResponse, ExecStartRequest } from "../../api/types/exec.ts";
import { HoyError, toHoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { span } from "../../base/trace.ts";
import { within } from "../../base/within.ts";
import type { ExecHandle, Shim, ShimStream } from "../../runtime/contract.ts";
import { startExitCode } from "../../runtime/shim/failures.ts";
import { ClientStream } from "../client-stream.ts";
import { requireRunning } from "../containers/cgroup.ts";
import type { Container } from "../containers/container.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "../containers/detach-keys.ts";
import type { EngineContext } from "../context.ts";
import { Exec } from "./exec.ts";
import { execProcess } from "./process.ts";
import { readExecRecords, removeExecRecord, writeExecRecord } from "./records.ts";

/** How long the exit code of an exec can be asked for. */
const KEEP_MS = 5 * 60_000;
/** The same, once the container is removed: the client whose exec ended with it is about to ask. */
const KEEP_REMOVED_MS = 5_000;
/** How long a container's end may take to be known that an exec has met. */
const END_MS = 200;
/** Execs a container, created and not started ones included. */
const MOST = 1000;

interface Known {
  readonly exec: Exec;
  readonly container: Container;
  /** Until it is forgotten; what runs then stays. */
  timer?: NodeJS.Timeout;
}

export class Execs implements ExecBackend {
  readonly #engine: EngineContext;
  readonly #byId = new Map<string, Known>();

  constructor(engine: EngineContext) {
    this.#engine = engine;
  }

  async create(ref: string, request: ExecCreateRequest): Promise<{ Id: string }> {
    const container = this.#engine.containers.find(ref);
    checkRequest(request);
    checkReady(container);
    this.#anticipate(container); // who creates it starts it next
    if (container.execs.size >= MOST) {
      throw new HoyError("unavailable", `container ${container.id} has ${MOST} execs already`);
    }
    const exec = new Exec(newId(), container.id, request, request.User || container.spec.config.User || "");
    this.#keep(exec, container);
    this.announce(container, exec);
    return { Id: exec.id };
  }

  async start(id: string, request: ExecStartRequest, signal: AbortSignal): Promise<AttachStream | undefined> {
    const { exec, container } = this.#find(id);
    if (exec.exitCode !== null) throw new HoyError("conflict", `Error: Exec command ${id} has already run`);
    if (exec.running) throw new HoyError("conflict", `Error: Exec command ${id} is already running`);
    const shim = checkReady(container);
    signal.throwIfAborted();
    exec.running = true;
    const attached = request.Detach ? undefined : exec.request;
    const starting = this.run(container, shim, exec, attached, request.ConsoleSize ?? exec.request.ConsoleSize);
    exec.starting = starting.catch((thrown: unknown) => {
      exec.running = false;
      exec.exitCode = startExitCode(toHoyError(thrown).message) ?? 126;
      throw thrown;
    });
    if (attached !== undefined) return this.#clientStream(container, exec, exec.starting, request.Tty ?? false);
    await exec.starting;
    return undefined;
  }

  async resize(id: string, height: number, width: number): Promise<void> {
    const { exec } = this.#find(id);
    if (!exec.running) throw new HoyError("conflict", `exec ${id} is not running`);
    const handle = exec.handle ?? (await exec.starting);
    await handle?.resize(height, width);
  }

  async inspect(id: string): Promise<ExecInspectResponse> {
    return this.#find(id).exec.inspect();
  }

  announce(container: Container, exec: Exec): void {
    this.#emit(container, exec, `exec_create: ${exec.shown}`);
  }

  /** Starts it in the container; health checks come this way too. `attached`: which streams are wanted. */
  run(
    container: Container,
    shim: Shim,
    exec: Exec,
    attached: Pick<ExecCreateRequest, "AttachStdin" | "AttachStdout" | "AttachStderr"> | undefined,
    size?: readonly [number, number] | null,
  ): Promise<ExecHandle> {
    return span("exec.start", { id: container.id }, async () => {
      this.#anticipate(container);
      this.#emit(container, exec, `exec_start: ${exec.shown}`);
      const starting = shim.exec({
        id: exec.id,
        process: await execProcess(this.#engine, container, exec.request),
        stdin: attached?.AttachStdin ?? false,
        stdout: attached?.AttachStdout ?? false,
        stderr: attached?.AttachStderr ?? false,
        consoleSize: size ? { height: size[0], width: size[1] } : undefined,
      });
      const handle = await starting.catch(async (thrown: unknown) => {
        throw (await endedUnder(shim, toHoyError(thrown))) ? notRunning(container) : thrown;
      });
      exec.pid = handle.pid;
      this.#took(container, exec, handle);
      return handle;
    });
  }

  #anticipate(container: Container): void {
    this.#engine.runtime.anticipateExec(this.#engine.ociRuntime(container.spec.hostConfig.Runtime));
  }

  /** What a former engine started in a container that runs on: what runs is watched, what has ended has its code. */
  async retake(container: Container, shim: Shim): Promise<void> {
    for (const { exec, number } of readExecRecords(container)) {
      const found = exec.exitCode === null ? await shim.execAgain(number) : undefined;
      if (found === undefined && exec.exitCode === null) {
        removeExecRecord(container, exec.id);
        continue;
      }
      this.#keep(exec, container);
      if (found !== undefined && "exited" in found) this.#took(container, exec, found);
      else if (found !== undefined) exec.exitCode = found.code;
    }
  }

  /** The container is removed: nothing of it stays in memory for the sake of its execs. */
  containerRemoved(container: Container): void {
    for (const id of container.execs.keys()) this.#forgetIn(id, KEEP_REMOVED_MS, () => this.#byId.delete(id));
  }

  #took(container: Container, exec: Exec, handle: ExecHandle): void {
    exec.handle = handle;
    exec.running = true;
    // Health checks are nobody's to ask for.
    const known = this.#byId.has(exec.id);
    if (known) writeExecRecord(container, exec, handle.number);
    handle.exited.then(({ code }) => {
      exec.running = false;
      exec.exitCode = code;
      exec.handle = undefined;
      exec.starting = undefined;
      if (known && container.shim !== undefined) writeExecRecord(container, exec, handle.number);
      handle.noted();
      this.#emit(container, exec, "exec_die", { exitCode: String(code) });
      if (!container.removing) this.#forgetLater(exec, container);
    });
  }

  #keep(exec: Exec, container: Container): void {
    this.#byId.set(exec.id, { exec, container });
    container.execs.set(exec.id, exec);
    this.#forgetLater(exec, container);
  }

  /**
   * Given before the process runs, so that the head of the answer is with the client before any output: some clients
   * (docker-py) lose what comes in one piece with it. What can't be run ends like what could: its words are output, and
   * clients ask for its exit code. `raw`: without frames. The start's own Tty decides that, as in Docker, whether or
   * not the process has a terminal.
   */
  #clientStream(container: Container, exec: Exec, starting: Promise<ExecHandle>, raw: boolean): AttachStream {
    const terminal = exec.request.Tty ?? false;
    const live = starting.then(
      (handle) => handle.stream ?? emptyStream(handle),
      (thrown: unknown) =>
        silent(once({ stream: "stdout", data: Buffer.from(`${startWords(toHoyError(thrown))}\r\n`) })),
    );
    const keys = parseDetachKeys(exec.request.DetachKeys || DEFAULT_DETACH_KEYS);
    return new ClientStream({
      tty: raw,
      live,
      until: starting.then(({ exited }) => exited).catch(() => undefined),
      detachKeys: terminal && exec.request.AttachStdin ? keys : undefined,
      inputEnds: exec.request.AttachStdin ?? false,
      onDetach: () => this.#emit(container, exec, "exec_detach"),
      onClose: () => undefined,
    });
  }

  #find(id: string): { exec: Exec; container: Container } {
    const found = this.#byId.get(id);
    if (found === undefined) throw new HoyError("not-found", `No such exec instance: ${id}`);
    return found;
  }

  #forgetLater(exec: Exec, container: Container): void {
    this.#forgetIn(exec.id, KEEP_MS, () => {
      if (exec.running) return;
      this.#byId.delete(exec.id);
      container.execs.delete(exec.id);
      removeExecRecord(container, exec.id);
    });
  }

  /** Health checks' are not known, and nothing of them is kept. */
  #forgetIn(id: string, milliseconds: number, forget: () => void): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    clearTimeout(known.timer);
    known.timer = setTimeout(forget, milliseconds).unref();
  }

  #emit(container: Container, exec: Exec, action: string, more: Readonly<Record<string, string>> = {}): void {
    this.#engine.events.emit("container", action, container.id, { ...container.attributes, execID: exec.id, ...more });
  }
}

function checkRequest(request: ExecCreateRequest): void {
  const lists = [request.Cmd ?? [], request.Env ?? []];
  if (
    lists.some((list) => !Array.isArray(list) || list.some((word) => typeof word !== "string" || word.includes("\0")))
  ) {
    throw new HoyError("invalid", "a list of strings was expected");
  }
  if ((request.Cmd ?? []).length === 0) throw new HoyError("invalid", "No exec command specified");
  if (request.DetachKeys) parseDetachKeys(request.DetachKeys);
  if (request.WorkingDir && !request.WorkingDir.startsWith("/")) {
    throw new HoyError(
      "invalid",
      `the working directory '${request.WorkingDir}' is invalid, it needs to be an absolute path`,
    );
  }
}

/** @throws HoyError "conflict" with Docker's words. */
function checkReady(container: Container): Shim {
  if (container.state.status === "paused") {
    throw new HoyError("conflict", `container ${container.id} is paused, unpause the container before exec`);
  }
  requireRunning(container);
  if (container.shim === undefined) throw notRunning(container);
  return container.shim;
}

function notRunning({ id }: Container): HoyError {
  return new HoyError("conflict", `container ${id} is not running`);
}

/**
 * Whether the container's end is why an exec could not be started: the runtime's words for what it met then are many, and
 * none tells that. Its end may be known a moment later.
 */
async function endedUnder(shim: Shim, { message }: HoyError): Promise<boolean> {
  return startExitCode(message) === undefined && (await within(shim.exited, END_MS));
}

/** Nothing was asked for: the stream ends when the process does. */
function emptyStream(handle: ExecHandle): ShimStream {
  return silent({ [Symbol.asyncIterator]: () => ({ next: () => handle.exited.then(() => done) }) });
}

/** Docker's own words stay as they are, for clients that compare them; others come with their hint. */
function startWords({ message, hint }: HoyError): string {
  return hint === undefined || startExitCode(message) !== undefined ? message : `${message} (${hint})`;
}

const done = { done: true, value: undefined } as const;

async function* once(chunk: OutputChunk): AsyncGenerator<OutputChunk, void, void> {
  yield chunk;
}

/** A stream whose input goes nowhere. */
function silent(output: AsyncIterable<OutputChunk>): ShimStream {
  return { output, write: async () => undefined, endInput: () => undefined, close: () => undefined };
}
