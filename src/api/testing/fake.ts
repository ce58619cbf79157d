// A Backend of tests: whatever a test does not give answers "not-implemented". No engine, no container behind it.

import { HoyError } from "../../base/error.ts";
import type { AttachStream, Backend, OutputChunk } from "../backend.ts";
import type { Log } from "../server/options.ts";

export type FakeParts = { readonly [K in keyof Backend]?: Partial<Backend[K]> };

export function fakeBackend(parts: FakeParts): Backend {
  const group = <K extends keyof Backend>(name: K): Backend[K] =>
    new Proxy((parts[name] ?? {}) as Backend[K], {
      get: (target, verb, self) =>
        Reflect.get(target, verb, self) ??
        (() => {
          throw new HoyError("not-implemented", `the fake has no ${name}.${String(verb)}`);
        }),
    });
  return {
    containers: group("containers"),
    exec: group("exec"),
    images: group("images"),
    networks: group("networks"),
    volumes: group("volumes"),
    system: group("system"),
    build: group("build"),
  };
}

/** Keeps what was logged. */
export function memoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    lines.push(`${level} ${message}${fields === undefined ? "" : ` ${JSON.stringify(fields)}`}`);
  };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A queue that one side fills and the other iterates. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** A process that gives back what it is given, on stdout, and ends ("bye" on stderr, or stdout with a terminal) with its input. */
export class EchoProcess implements AttachStream {
  readonly tty: boolean;
  readonly output: Channel<OutputChunk>;
  closed = false;
  readonly ended = Promise.withResolvers<void>();

  constructor(tty: boolean) {
    this.tty = tty;
    this.output = new Channel();
  }

  say(text: string, stream: "stdout" | "stderr" = "stdout"): void {
    this.output.push({ stream, data: Buffer.from(text) });
  }

  async write(data: Uint8Array): Promise<void> {
    this.output.push({ stream: "stdout", data: new Uint8Array(data) });
    if (this.tty && Buffer.from(data).includes(4)) this.endInput();
  }

  endInput(): void {
    this.say("bye\n", this.tty ? "stdout" : "stderr");
    this.output.end();
    this.ended.resolve();
  }

  close(): void {
    this.closed = true;
  }
}
