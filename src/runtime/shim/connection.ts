// One connection to a shim: frames in, frames out, with back pressure both ways. What the frames mean is its users'.

import { closeSync, openSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { HoyError } from "../../base/error.ts";
import { encodeFrame, type Frame, FrameReader } from "./frames.ts";

/** sockaddr_un's path, with its NUL (unix(7)). */
const SUN_PATH = 108;
const CONNECT_MS = 10_000;

export class Connection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  #onFrame: (frame: Frame) => void = () => undefined;
  #closed = false;
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        // What had come while it was paused counts, whatever a write met.
        for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) this.#take(chunk);
        this.#closed = true;
        resolve();
      });
    });
    // A reset is a close here: who waits for an answer learns it from `closed`.
    socket.on("error", () => socket.destroy());
    // The shim has said its last word and waits for our end: another write could only fail.
    socket.on("end", () => {
      this.#closed = true;
    });
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  /** @throws HoyError "conflict" when there is no shim (any more), "internal" when it does not answer for 10 s. */
  static connect(directory: string, name: string, onFrame: (frame: Frame) => void): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { path, done } = shortPath(directory, name);
      const socket = createConnection({ path });
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new HoyError("internal", "the shim does not answer"));
      }, CONNECT_MS);
      const settle = (): void => {
        clearTimeout(timer);
        done();
      };
      socket.once("error", (error) => {
        settle();
        reject(new HoyError("conflict", "the container is not running", { cause: error }));
      });
      socket.once("connect", () => {
        settle();
        socket.removeAllListeners("error");
        const connection = new Connection(socket);
        connection.#onFrame = onFrame;
        resolve(connection);
      });
    });
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#onFrame(frame);
    } catch {
      // A stream that is not of frames can't be read on.
      this.#socket.destroy();
    }
  }

  /** Resolves when the kernel has taken it, or the connection is gone. */
  send(type: number, payload?: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#socket.write(encodeFrame(type, payload))) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off("drain", done);
        this.#socket.off("close", done);
        resolve();
      };
      this.#socket.on("drain", done);
      this.#socket.on("close", done);
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Lets the process end though the connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  /** What was sent before still goes out. */
  close(): void {
    this.#socket.destroySoon();
  }
}

/** A name for a socket that fits in 108 bytes however deep its directory lies: through a descriptor of it. */
function shortPath(directory: string, name: string): { path: string; done: () => void } {
  const path = `${directory}/${name}`;
  if (Buffer.byteLength(path) < SUN_PATH) return { path, done: () => undefined };
  const fd = openSync(directory, "r");
  return { path: `/proc/self/fd/${fd}/${name}`, done: () => closeSync(fd) };
}
