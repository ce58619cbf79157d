// Progress of one build as its clients ask for it: a list of events from the start, kept so that who comes late is told
// everything, and watched by any number of streams. Bounded: of endless logs the middle is left out, and said to be.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Digest, sha256 } from "../../../base/digest.ts";
import type { Vertex } from "../../graph.ts";
import { vertexDigest } from "../../solver/digests.ts";
import type { BuildProgress } from "../../solver-contract.ts";
import type { SourceFile } from "../errors.ts";
import type { StatusResponseSchema } from "../proto/gen/control_pb.ts";
import { timestamp } from "./time.ts";

export type StatusEvent = MessageInitShape<typeof StatusResponseSchema>;

/** Bytes of logs that are kept, and told to each client. BuildKit's own is 2 MiB a step. */
const MAX_LOGS = 32 * 1024 * 1024;
const MAX_EVENTS = 500_000;
/** Milliseconds between two counts of the same thing. */
const INTERVAL = 100;
/** Explanations are asked for by a client that knows the number; to others it is one more line of the step. */
const STREAMS = { stdout: 1n, stderr: 2n, explanation: 3n } as const;
/** Events that go out in one message. */
const BATCH = 256;

interface Shown {
  readonly digest: Digest;
  readonly inputs: readonly string[];
  readonly name: string;
  readonly lines: Vertex["lines"];
  /** Name of the client's directory that it loads. */
  readonly local: string | undefined;
  started: string | undefined;
  completed: string | undefined;
  cached: boolean;
  error: string;
}

export class BuildEvents implements BuildProgress {
  readonly #now: () => string;
  readonly #events: StatusEvent[] = [];
  readonly #vertices = new Map<string, Shown>();
  readonly #statuses = new Map<string, string>();
  /** When a count was told the last time. */
  readonly #told = new Map<string, number>();
  readonly #watchers = new Set<() => void>();
  #logged = 0;
  #ended = false;
  #warnings = 0;
  /** The Dockerfile: where warnings point to. */
  file: SourceFile | undefined;

  constructor(now: () => string) {
    this.#now = now;
  }

  vertex(vertex: Vertex, id: Digest): void {
    if (this.#vertices.has(id)) return;
    const inputs = [...new Set(vertex.inputs.map((input) => vertexDigest(input.vertex)))];
    const { op, name, lines } = vertex;
    const local = op.kind === "source" && op.type === "local" ? op.name : undefined;
    this.#show({ digest: id, inputs, name, lines, local });
  }

  started(id: Digest, at: string): void {
    const shown = this.#vertices.get(id);
    if (shown === undefined) return;
    shown.started = at;
    shown.completed = undefined;
    this.#push({ vertexes: [wire(shown)] });
  }

  completed(id: Digest, at: string, outcome: { readonly cached: boolean; readonly error: string | undefined }): void {
    const shown = this.#vertices.get(id);
    if (shown === undefined) return;
    shown.completed = at;
    shown.cached = outcome.cached;
    shown.error = outcome.error ?? "";
    this.#push({ vertexes: [wire(shown)] });
  }

  log(id: Digest, stream: keyof typeof STREAMS, data: Uint8Array, at: string): void {
    if (this.#logged > MAX_LOGS) return;
    this.#logged += data.length;
    const msg = this.#logged > MAX_LOGS ? Buffer.from("\n[output clipped]\n") : new Uint8Array(data);
    this.#push({ logs: [{ vertex: id, timestamp: timestamp(at), stream: STREAMS[stream], msg }] });
  }

  status(
    id: Digest,
    status: { readonly name: string; readonly current: number; readonly total: number; readonly done: boolean },
  ): void {
    const key = `${id}\n${status.name}`;
    if (!status.done && this.#isTooSoon(key)) return;
    const at = this.#now();
    const started = this.#statuses.get(key) ?? at;
    this.#statuses.set(key, started);
    this.#push({
      statuses: [
        {
          id: status.name,
          vertex: id,
          current: BigInt(status.current),
          total: BigInt(status.total),
          timestamp: timestamp(at),
          started: timestamp(started),
          ...(status.done ? { completed: timestamp(at) } : {}),
        },
      ],
    });
  }

  /** Of a transfer from the client: shown at the step that asked for that directory and has not ended. */
  localStatus(
    source: string,
    status: { readonly current: number; readonly total: number; readonly done: boolean },
  ): void {
    if (!status.done && this.#isTooSoon(source)) return;
    const open = [...this.#vertices.values()].filter(
      ({ started, completed }) => started !== undefined && completed === undefined,
    );
    const asked = open.find(({ local }) => local === source);
    if (asked !== undefined) this.status(asked.digest, { name: `transferring ${source}:`, ...status });
  }

  warning({ rule, message, url, lines }: Parameters<BuildProgress["warning"]>[0]): void {
    const { file } = this;
    this.#warnings += 1;
    this.#push({
      warnings: [
        {
          // Warnings of a file belong to the vertex that loaded it.
          vertex: [...this.#vertices.keys()][0] ?? "",
          level: 1n,
          short: Buffer.from(`${rule}: ${message}${lines === undefined ? "" : ` (line ${lines.start})`}`),
          detail: [Buffer.from(message)],
          url,
          ...(file === undefined
            ? {}
            : { info: { filename: file.name, data: Buffer.from(file.text), language: "Dockerfile" } }),
          ranges: lines === undefined ? [] : [{ start: { line: lines.start }, end: { line: lines.end } }],
        },
      ],
    });
  }

  /** A step of the protocol's own, such as an export, shown like any other. */
  async step<T>(name: string, work: (progress: StepProgress) => Promise<T>): Promise<T> {
    const id = sha256(`step\n${this.#vertices.size}\n${name}`);
    this.#show({ digest: id, inputs: [], name, lines: undefined, local: undefined });
    this.started(id, this.#now());
    try {
      const result = await work({
        log: (data) => this.log(id, "stderr", data, this.#now()),
        status: (status) => this.status(id, status),
      });
      this.completed(id, this.#now(), { cached: false, error: undefined });
      return result;
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      this.completed(id, this.#now(), { cached: false, error });
      throw thrown;
    }
  }

  /** Lines of the step that failed first. */
  failedLines(): Vertex["lines"] {
    return [...this.#vertices.values()].find(({ error, lines }) => error !== "" && lines !== undefined)?.lines;
  }

  counts(): { readonly cached: number; readonly total: number; readonly completed: number; readonly warnings: number } {
    const all = [...this.#vertices.values()];
    return {
      cached: all.filter(({ cached }) => cached).length,
      total: all.length,
      completed: all.filter(({ completed }) => completed !== undefined).length,
      warnings: this.#warnings,
    };
  }

  /** So far. */
  all(): Iterable<StatusEvent> {
    return this.#events;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Everything from the start, until the build ends or the signal fires. */
  async *watch(signal: AbortSignal): AsyncGenerator<StatusEvent, void, void> {
    let at = 0;
    for (;;) {
      while (at < this.#events.length) {
        const batch = this.#events.slice(at, at + BATCH);
        at += batch.length;
        yield {
          vertexes: batch.flatMap(({ vertexes = [] }) => vertexes),
          statuses: batch.flatMap(({ statuses = [] }) => statuses),
          logs: batch.flatMap(({ logs = [] }) => logs),
          warnings: batch.flatMap(({ warnings = [] }) => warnings),
        };
      }
      if (this.#ended) return;
      signal.throwIfAborted();
      await this.#change(signal);
    }
  }

  async #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#watchers.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    try {
      await promise;
    } finally {
      this.#watchers.delete(wake);
      signal.removeEventListener("abort", wake);
    }
  }

  /** Something countable moves by the byte; who looks wants it a few times a second. */
  #isTooSoon(key: string): boolean {
    const now = performance.now();
    const last = this.#told.get(key);
    if (last !== undefined && now - last < INTERVAL) return true;
    this.#told.set(key, now);
    return false;
  }

  #show(shown: Pick<Shown, "digest" | "inputs" | "name" | "lines" | "local">): void {
    const whole = { ...shown, started: undefined, completed: undefined, cached: false, error: "" };
    this.#vertices.set(shown.digest, whole);
    this.#push({ vertexes: [wire(whole)] });
  }

  #push(event: StatusEvent): void {
    if (this.#events.length >= MAX_EVENTS && event.vertexes === undefined) return;
    this.#events.push(event);
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#watchers) resolve();
  }
}

export interface StepProgress {
  readonly log: (data: Uint8Array) => void;
  readonly status: (status: Parameters<BuildProgress["status"]>[1]) => void;
}

function wire({ digest, inputs, name, cached, error, started, completed }: Shown) {
  return {
    digest,
    inputs: [...inputs],
    name,
    cached,
    error,
    ...(started === undefined ? {} : { started: timestamp(started) }),
    ...(completed === undefined ? {} : { completed: timestamp(completed) }),
  };
}
