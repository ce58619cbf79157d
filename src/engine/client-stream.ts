// A client's two-way stream over a shim's: detach keys, half-close, and letting go. For containers and execs alike.

import type { AttachStream, OutputChunk } from "../api/backend.ts";
import type { ShimStream } from "../runtime/contract.ts";
import { DetachFilter } from "./containers/detach-keys.ts";

export interface ClientStreamOptions {
  readonly tty: boolean;
  /** Shown before the live output (the log, for logs=1). */
  readonly before?: AsyncIterable<OutputChunk> | undefined;
  /** Undefined resolves to nothing: the container never started. */
  readonly live: Promise<ShimStream | undefined>;
  /** Looked for in what the client types; undefined: never (no terminal). */
  readonly detachKeys: Uint8Array | undefined;
  /** The output ends when this has resolved too: clients ask for an exec's exit code at the end of its output. */
  readonly until?: Promise<unknown>;
  /** The client's end of input is the process's too. */
  readonly inputEnds: boolean;
  readonly onDetach: () => void;
  readonly onClose: () => void;
}

export class ClientStream implements AttachStream {
  readonly tty: boolean;
  readonly output: AsyncIterable<OutputChunk>;
  readonly #options: ClientStreamOptions;
  readonly #filter: DetachFilter | undefined;
  readonly #left = Promise.withResolvers<undefined>();
  #closed = false;

  constructor(options: ClientStreamOptions) {
    this.tty = options.tty;
    this.#options = options;
    this.#filter = options.detachKeys === undefined ? undefined : new DetachFilter(options.detachKeys);
    this.output = this.#read();
  }

  async write(data: Uint8Array): Promise<void> {
    if (this.#closed) return;
    const { data: passed, detached } = this.#filter?.push(data) ?? { data, detached: false };
    const stream = await this.#options.live;
    if (passed.length > 0) await stream?.write(passed);
    if (detached) {
      this.#options.onDetach();
      this.#end(false);
    }
  }

  endInput(): void {
    this.#finishInput().catch(() => this.close());
  }

  close(): void {
    this.#end(this.#options.inputEnds);
  }

  async #finishInput(): Promise<void> {
    const held = this.#filter?.flush() ?? new Uint8Array();
    const stream = await this.#options.live;
    if (held.length > 0) await stream?.write(held);
    if (this.#options.inputEnds) stream?.endInput();
  }

  /** `endInput`: the client is gone for good, and with it whoever could still type. */
  #end(endInput: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#left.resolve(undefined);
    this.#options.onClose();
    this.#options.live.then((stream) => {
      if (endInput) stream?.endInput();
      stream?.close();
    });
  }

  async *#read(): AsyncGenerator<OutputChunk, void, void> {
    try {
      if (this.#options.before !== undefined) yield* this.#options.before;
      const stream = await Promise.race([this.#options.live, this.#left.promise]);
      if (stream === undefined) return;
      const reader = stream.output[Symbol.asyncIterator]();
      for (;;) {
        const next = await Promise.race([reader.next(), this.#left.promise]);
        if (next === undefined) return;
        if (next.done) break;
        yield this.tty ? { stream: "stdout", data: next.value.data } : next.value;
      }
      await Promise.race([this.#options.until, this.#left.promise]);
    } finally {
      this.close();
    }
  }
}
