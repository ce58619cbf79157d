// One output stream of the client. `print` is for text the user reads (kept in order, never lost at exit);
// `write` is for bulk bytes and waits until the reader on the other side keeps up.

import type { Writable } from "node:stream";

type Terminal = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

export class Output {
  readonly #stream: Terminal;
  #failure: Error | undefined;

  constructor(stream: Terminal) {
    this.#stream = stream;
    stream.on("error", (error: Error) => {
      this.#failure ??= error;
    });
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Width in columns; 0 when this is no terminal. */
  get columns(): number {
    return this.#stream.columns ?? 0;
  }

  get rows(): number {
    return this.#stream.rows ?? 0;
  }

  print(text: string): void {
    if (this.#failure === undefined && text !== "") this.#stream.write(text);
  }

  line(text = ""): void {
    this.print(`${text}\n`);
  }

  /** Resolves when the stream takes more. Rejects when the reader is gone (EPIPE) or the disk is full. */
  async write(data: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stream.write(data)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        this.#stream.off("drain", settle);
        this.#stream.off("error", settle);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#stream.once("drain", settle);
      this.#stream.once("error", settle);
    });
  }

  /** Resolves when all that was written has been handed to the system. */
  async flush(): Promise<void> {
    if (this.#failure !== undefined || this.#stream.writableLength === 0) return;
    await new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
  }
}
