// Attached streams: an ATTACH or EXEC connection as a ShimStream. Output that nobody reads stops the connection, and
// with it, in the shim, the process.

import { HoyError } from "../../base/error.ts";
import type { LogPosition, ShimOutput, ShimStream } from "../contract.ts";
import { Connection } from "./connection.ts";
import { type Frame, FromShim, MAX_PAYLOAD, numbers, ToShim, Want } from "./frames.ts";

const SOCKET = "shim.sock";
/** Bytes that may wait for the reader before the connection is paused. */
const HIGH_WATER = 256 * 1024;

export interface Wanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** The shim's ERROR. */
export class ShimRefusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = "ShimRefusal";
    this.code = code;
  }
}

export function wantBits(want: Wanted): number {
  return (want.stdin ? Want.stdin : 0) | (want.stdout ? Want.stdout : 0) | (want.stderr ? Want.stderr : 0);
}

export async function attachStream(bundle: string, want: Wanted): Promise<ShimStream> {
  const { stream } = await StreamConnection.open(bundle, ToShim.attach, numbers(0, wantBits(want)), want);
  return stream;
}

/** For shims of version 2 on: others take the flag for an error. */
export async function attachBehindLog(
  bundle: string,
  want: Wanted,
): Promise<{ stream: ShimStream; logged: LogPosition | undefined }> {
  const flags = wantBits(want) | Want.position;
  const { stream, ok } = await StreamConnection.open(bundle, ToShim.attach, numbers(0, flags), want);
  const [inode, size] = [Number(ok.readBigUInt64LE(0)), Number(ok.readBigUInt64LE(8))];
  return { stream, logged: inode === 0 ? undefined : { inode, size } };
}

/** A connection whose first answer is OK or ERROR, and which then carries a process's streams. */
export class StreamConnection implements ShimStream {
  readonly #want: Wanted;
  readonly #queue: ShimOutput[] = [];
  readonly #ended = new Set<number>();
  #connection: Connection | undefined;
  #waiting = 0;
  #over = false;
  #exited = false;
  #dropping = false;
  #keep = false;
  #wake: () => void = () => undefined;
  #answer: ((frame: Frame | undefined) => void) | undefined;
  #onExit: ((frame: Frame | undefined) => void) | undefined;
  readonly output: AsyncIterable<ShimOutput>;
  /** EXIT's payload on an exec's connection; undefined when the connection ended without. */
  readonly exit: Promise<Buffer | undefined>;

  private constructor(want: Wanted) {
    this.#want = want;
    this.output = { [Symbol.asyncIterator]: () => this.#iterate() };
    this.exit = new Promise((resolve) => {
      this.#onExit = (frame) => resolve(frame?.payload);
    });
  }

  /** @throws ShimRefusal when the shim says ERROR, HoyError "conflict" when the shim is gone. */
  static async open(
    bundle: string,
    type: number,
    payload: Uint8Array,
    want: Wanted,
  ): Promise<{ stream: StreamConnection; ok: Buffer }> {
    const stream = new StreamConnection(want);
    stream.#keep = type === ToShim.exec;
    const answer = new Promise<Frame | undefined>((resolve) => {
      stream.#answer = resolve;
    });
    const connection = await Connection.connect(bundle, SOCKET, (frame) => stream.#take(frame));
    stream.#connection = connection;
    connection.unref();
    void connection.closed.then(() => stream.#finish());
    await connection.send(type, payload);
    const frame = await answer;
    if (frame?.type === FromShim.ok) return { stream, ok: Buffer.from(frame.payload) };
    connection.close();
    if (frame === undefined) throw new HoyError("conflict", "the container has ended");
    throw new ShimRefusal(frame.payload.readInt32LE(0), frame.payload.toString("utf8", 4));
  }

  #take(frame: Frame): void {
    if (this.#answer !== undefined) {
      this.#answer(frame);
      this.#answer = undefined;
    } else if (frame.type === FromShim.out) {
      if (this.#dropping) return;
      this.#queue.push({ stream: frame.stream === 2 ? "stderr" : "stdout", data: frame.payload });
      this.#waiting += frame.payload.length;
      if (this.#waiting > HIGH_WATER) this.#connection?.pause();
      this.#wake();
    } else if (frame.type === FromShim.end) {
      this.#ended.add(frame.stream);
      if (this.#allEnded()) this.#over = true;
      this.#wake();
    } else if (frame.type === FromShim.exit) {
      this.#exited = true;
      this.#onExit?.(frame);
      this.#connection?.close();
      this.#over = true;
      this.#wake();
    }
  }

  #allEnded(): boolean {
    return (!this.#want.stdout || this.#ended.has(1)) && (!this.#want.stderr || this.#ended.has(2));
  }

  #finish(): void {
    this.#over = true;
    this.#answer?.(undefined);
    this.#answer = undefined;
    this.#onExit?.(undefined);
    this.#wake();
  }

  async *#iterate(): AsyncGenerator<ShimOutput> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        this.#waiting -= next.data.length;
        if (this.#waiting <= HIGH_WATER / 2) this.#connection?.resume();
        yield next;
      } else if (this.#over) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async write(data: Uint8Array): Promise<void> {
    if (!this.#want.stdin) return;
    for (let at = 0; at < data.length && !this.#exited; at += MAX_PAYLOAD)
      await this.#connection?.send(ToShim.stdin, data.subarray(at, at + MAX_PAYLOAD));
  }

  endInput(): void {
    // The shim closes a connection that sends input without having asked for it, and an exec's EXIT would be lost.
    if (this.#want.stdin && !this.#exited) void this.#connection?.send(ToShim.stdinEof);
  }

  /** What still comes is dropped. An exec's connection stays, for its EXIT. */
  close(): void {
    this.#over = true;
    this.#dropping = true;
    this.#queue.length = 0;
    this.#wake();
    this.#connection?.resume();
    if (this.#keep) this.endInput();
    else this.#connection?.close();
  }
}
