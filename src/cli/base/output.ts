// One output stream of the client. `print` is for text the user reads (kept in order, never lost at exit); `write` is
// for bulk bytes and waits until the reader on the other side keeps up.
//
// Node's process.stdout takes 8 ms to open, more than a short command takes in all, so it is opened only for what it alone
// can tell: a terminal's size. Terminals and files are written at once, as Node does too; a pipe or socket, on which a
// slow reader must not hold up signals, through Bun's own writer.

import { fstatSync, type Stats, writeSync } from "node:fs";
import type { Writable } from "node:stream";

export type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** What is used of Bun's FileSink. */
export interface Sink {
  write(data: Uint8Array | string): number | Promise<number>;
  flush(): number | Promise<number>;
}

/** A stream of this process: its descriptor, and Bun's writer to it. */
export interface Descriptor {
  readonly fd: number;
  readonly sink: () => Sink;
}

type Kind = "terminal" | "file" | "pipe";

export class Output {
  readonly #open: () => Terminal;
  readonly #descriptor: Descriptor | undefined;
  readonly #kind: Kind | undefined;
  #stream: Terminal | undefined;
  #sink: Sink | undefined;
  #failure: Error | undefined;

  /** Without a descriptor everything goes through the stream. */
  constructor(open: () => Terminal, descriptor?: Descriptor) {
    this.#open = open;
    this.#descriptor = descriptor;
    this.#kind = descriptor === undefined ? undefined : kindOf(descriptor.fd);
  }

  get isTTY(): boolean {
    return this.#kind === undefined ? this.#opened().isTTY === true : this.#kind === "terminal";
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
    const rest = this.#descriptor === undefined ? Buffer.from(text) : this.#direct(this.#descriptor, Buffer.from(text));
    if (rest.length === 0) return;
    if (this.#descriptor === undefined) this.#opened().write(rest);
    else void this.#buffered(this.#descriptor, rest).catch(() => undefined); // the failure is kept, and told at the end
  }

  line(text = ""): void {
    this.print(`${text}\n`);
  }

  /** Resolves when the stream takes more. Rejects when the reader is gone (EPIPE) or the disk is full. */
  async write(data: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#descriptor === undefined) return this.#streamed(data);
    const rest = this.#kind === "pipe" ? data : this.#direct(this.#descriptor, data);
    if (this.#failure !== undefined) throw this.#failure;
    if (rest.length > 0) await this.#buffered(this.#descriptor, rest);
  }

  /** Resolves when all that was written has been handed to the system. */
  async flush(): Promise<void> {
    if (this.#failure !== undefined) return;
    if (this.#descriptor !== undefined) {
      if (this.#sink !== undefined) await this.#buffered(this.#descriptor, "").catch(() => undefined);
      return;
    }
    const stream = this.#stream;
    if (stream === undefined) return;
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

  async #streamed(data: Uint8Array): Promise<void> {
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

  /** Writes what can be written at once; what is left of it. Nothing, as long as the sink may still hold something. */
  #direct({ fd }: Descriptor, data: Uint8Array): Uint8Array {
    if (this.#sink !== undefined) return data;
    let rest = data;
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(fd, rest));
    } catch (thrown) {
      // It does not block, and is full: the sink waits for it.
      if (thrown instanceof Error && "code" in thrown && thrown.code === "EAGAIN") return rest;
      this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    return new Uint8Array(0);
  }

  async #buffered({ sink }: Descriptor, data: Uint8Array | string): Promise<void> {
    this.#sink ??= sink();
    try {
      // A write that waits for the reader tells of its failure alone, the flush then of nothing.
      if (data.length > 0) await this.#sink.write(data);
      await this.#sink.flush();
    } catch (thrown) {
      this.#failure ??= thrown instanceof Error ? thrown : new Error(String(thrown));
      throw this.#failure;
    }
  }
}

/**
 * Major numbers of terminals: consoles and serial lines, /dev/tty, Unix98 pseudo-terminals, and serial lines of other
 * kinds (Linux, Documentation/admin-guide/devices.txt). What is none of them, such as /dev/null, is written as a file is.
 */
const TERMINALS = new Set([4, 5, 136, 137, 138, 139, 140, 141, 142, 143, 166, 188, 204, 229]);

/** Told by its device number, without opening it. */
export function isTerminal(fd: number): boolean {
  return kindOf(fd) === "terminal";
}

function kindOf(fd: number): Kind {
  const stat = statOf(fd);
  if (stat === undefined || stat.isFile()) return "file";
  if (!stat.isCharacterDevice()) return "pipe";
  // The minor number's low byte is the first one of st_rdev, the major number's twelve bits lie above it.
  return TERMINALS.has((stat.rdev >> 8) & 0xfff) ? "terminal" : "file";
}

/** undefined: it is closed. Writing will say so. */
function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}
