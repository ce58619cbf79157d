// A running container, as the engine holds it: the subscriber's connection to its shim, and what is asked over it.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { ExecHandle, ExecRequest, ExitStatus, LogPosition, Shim, ShimStream } from "../contract.ts";
import { Connection } from "./connection.ts";
import { type ExecCalls, resumeExec, startExec } from "./exec.ts";
import { timeText } from "./exit-file.ts";
import { type Frame, FromShim, numbers, PROTOCOL, sized, ToShim } from "./frames.ts";
import { attachBehindLog, attachStream, ShimRefusal, type Wanted } from "./stream.ts";

const ESRCH = 3;

/** Asked when the connection ends without an EXIT: the shim was killed. */
export type LostShim = () => Promise<ExitStatus>;

export class ShimClient implements Shim {
  readonly #bundle: string;
  readonly #replies: ((frame: Frame | undefined) => void)[] = [];
  readonly #oomListeners: (() => void)[] = [];
  #connection: Connection | undefined;
  #resolveExit: (status: ExitStatus) => void = () => undefined;
  #hasExit = false;
  #pid = 0;
  #shimPid = 0;
  #version = PROTOCOL;
  readonly exited: Promise<ExitStatus>;
  /** Resolves when the shim is done with the container: the OCI runtime's record is gone, or the shim is. */
  finished: Promise<void> = Promise.resolve();

  private constructor(bundle: string) {
    this.#bundle = bundle;
    this.exited = new Promise((resolve) => {
      this.#resolveExit = resolve;
    });
  }

  /**
   * Subscribes; resolves when the container runs (or has ended).
   * @throws HoyError "conflict" when no shim listens in this bundle, ShimRefusal when the container could not start,
   * HoyError "unavailable" when its protocol is newer than this one.
   */
  static async open(bundle: string, lost: LostShim): Promise<ShimClient> {
    const client = new ShimClient(bundle);
    const connection = await Connection.connect(bundle, "shim.sock", (frame) => client.#take(frame));
    client.#connection = connection;
    connection.unref();
    client.finished = connection.closed.then(() => client.#gone(lost));
    const ok = await client.#ask(ToShim.subscribe);
    client.#pid = ok.readUInt32LE(0);
    client.#shimPid = ok.readUInt32LE(4);
    client.#version = ok.length > 8 ? ok.readUInt32LE(8) : 1;
    if (client.#version > PROTOCOL) {
      connection.close();
      throw new HoyError("unavailable", `a shim speaks version ${client.#version} of its protocol, not ${PROTOCOL}`);
    }
    return client;
  }

  /** A container that had ended, and its shim with it, before anyone could subscribe. */
  static ended(bundle: string, pid: number, status: ExitStatus): ShimClient {
    const client = new ShimClient(bundle);
    client.#pid = pid;
    client.#resolveExit(status);
    return client;
  }

  get pid(): number {
    return this.#pid;
  }

  get shimPid(): number {
    return this.#shimPid;
  }

  attach(want: Wanted): Promise<ShimStream> {
    return attachStream(this.#bundle, want);
  }

  async attachBehindLog(want: Wanted): Promise<{ stream: ShimStream; logged: LogPosition | undefined }> {
    if (this.#version >= 2) return attachBehindLog(this.#bundle, want);
    return { stream: await this.attach(want), logged: undefined };
  }

  async release(): Promise<void> {
    await this.#ask(ToShim.release);
  }

  exec(request: ExecRequest): Promise<ExecHandle> {
    return startExec(this.#bundle, request, this.#execCalls);
  }

  async execAgain(number: number): Promise<ExecHandle | ExitStatus | undefined> {
    return this.#version < 2 ? undefined : resumeExec(this.#bundle, number, this.#execCalls);
  }

  readonly #execCalls: ExecCalls = {
    resize: async (number, height, width) => void (await this.#ask(ToShim.resize, sized(number, height, width))),
    signal: (number, signal) => this.#signal(number, signal),
  };

  signal(signal: number): Promise<void> {
    return this.#signal(0, signal);
  }

  async #signal(number: number, signal: number): Promise<void> {
    try {
      await this.#ask(ToShim.signal, numbers(number, signal));
    } catch (error) {
      if (error instanceof ShimRefusal && error.code === ESRCH) throw ended(error);
      throw error;
    }
  }

  async resize(height: number, width: number): Promise<void> {
    await this.#ask(ToShim.resize, sized(0, height, width));
  }

  onOom(listener: () => void): void {
    this.#oomListeners.push(listener);
  }

  /** Answers come in the order of the questions, whatever events come between. */
  async #ask(type: number, payload?: Uint8Array): Promise<Buffer> {
    const connection = this.#connection;
    const answer = new Promise<Frame | undefined>((resolve) => {
      this.#replies.push(resolve);
    });
    await connection?.send(type, payload);
    const frame = this.#connection === undefined ? undefined : await answer;
    if (frame === undefined) throw ended();
    if (frame.type === FromShim.ok) return frame.payload;
    throw new ShimRefusal(frame.payload.readInt32LE(0), frame.payload.toString("utf8", 4));
  }

  #take(frame: Frame): void {
    if (frame.type === FromShim.ok || frame.type === FromShim.error) {
      this.#replies.shift()?.(frame);
    } else if (frame.type === FromShim.exit) {
      this.#hasExit = true;
      this.#resolveExit(exitStatus(frame.payload));
    } else if (frame.type === FromShim.oom) {
      for (const listener of this.#oomListeners) listener();
    }
  }

  async #gone(lost: LostShim): Promise<void> {
    this.#connection = undefined;
    for (const reply of this.#replies.splice(0)) reply(undefined);
    if (!this.#hasExit && this.#pid !== 0) this.#resolveExit(await lost());
    rmSync(join(this.#bundle, "shim.sock"), { force: true });
  }
}

/** EXIT's payload. */
export function exitStatus(payload: Buffer): ExitStatus {
  return {
    code: payload.readUInt32LE(4),
    oomKilled: payload.readUInt32LE(8) !== 0,
    at: timeText(payload.readBigUInt64LE(16)),
  };
}

function ended(cause?: unknown): HoyError {
  return new HoyError("conflict", "the container has ended", { cause });
}
