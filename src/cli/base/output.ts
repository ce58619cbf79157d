// One output stream of the client. `print` is for text the user reads (kept in order, never lost at exit); `write` is
// for bulk bytes and waits until the reader on the other side keeps up.
//
// Node's process.stdout takes 3 ms to open, half of what a short command takes in all: text to a file or pipe is
// written without it, and it is opened only for a terminal, for bulk, and for a pipe that is full.

import { fstatSync, writeSync } from "node:fs";
import type { Writable } from "node:stream";

export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

export class Output {
  readonly #open: () => Terminal;
  /** Where `print` may write at once, as long as the stream is not open. */
  readonly #fd: number | undefined;
  #stream: Terminal | undefined;
  #failure: Error | undefined;

  constructor(open: () => Terminal, fd?: number) {
    this.#open = open;
    this.#fd = fd !== undefined && isPlain(fd) ? fd : undefined;
  }

  get isTTY(): boolean {
    return this.#fd === undefined && this.#opened().isTTY === true;
  }

  /** Width in columns; 0 when this is no terminal. */
  get columns(): number {
    return this.isTTY ? (this.#opened().columns ?? 0) : 0;
  }

  get rows(): number {
    return this.isTTY ? (this.#opened().rows ?? 0) : 0;
  }

  print(text: string): void {
    if (this.#failure !== undefined || text === "") return;
    const rest =
      this.#fd === undefined || this.#stream !== undefined ? Buffer.from(text) : this.#direct(this.#fd, text);
    if (rest.length > 0) this.#opened().write(rest);
  }

  line(text = ""): void {
    this.print(`${text}\n`);
  }

  /** Resolves when the stream takes more. Rejects when the reader is gone (EPIPE) or the disk is full. */
  async write(data: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const stream = this.#opened();
    if (stream.write(data)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        stream.off("drain", settle);
        stream.off("error", settle);
        if (error === undefined) resolve();
        else reject(error);
      };
      stream.once("drain", settle);
      stream.once("error", settle);
    });
  }

  /** Resolves when all that was written has been handed to the system. */
  async flush(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || this.#failure !== undefined) return;
    await new Promise<void>((resolve) => {
      stream.once("error", () => resolve());
      stream.write("", () => resolve());
    });
  }

  /** Why nothing more can be written; undefined as long as it can. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  #opened(): Terminal {
    if (this.#stream === undefined) {
      this.#stream = this.#open();
      this.#stream.on("error", (error: Error) => {
        this.#failure ??= error;
      });
    }
    return this.#stream;
  }

  /** Writes what can be written at once; what is left of it. */
  #direct(fd: number, text: string): Uint8Array {
    let rest: Uint8Array = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
    } catch (thrown) {
      // A pipe that does not block, and is full: the stream waits for it.
      if (thrown instanceof Error && "code" in thrown && thrown.code === "EAGAIN") return rest;
      this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    return new Uint8Array(0);
  }
}

/** No terminal: a file, pipe or socket. Closed counts as well; writing will say so. */
function isPlain(fd: number): boolean {
  try {
    return !fstatSync(fd).isCharacterDevice();
  } catch {
    return true;
  }
}
