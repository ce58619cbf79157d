// Spans: what took how long, as JSON lines in the shape of OpenTelemetry's (traceId, spanId, parentSpanId, times in ns,
// attributes), for `hoy daemon --trace FILE`. Off unless a sink is set, and then a span costs one comparison.

import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";

type Attributes = Readonly<Record<string, string | number | boolean>>;
type Sink = (line: string) => void;

interface Context {
  readonly traceId: string;
  readonly spanId: string;
}

const current = new AsyncLocalStorage<Context>();
let sink: Sink | undefined;

/** Where spans go from now on, one JSON line each; undefined: nowhere. */
export function traceTo(to: Sink | undefined): void {
  sink = to;
}

/** Runs `work` as a span named `name`, a child of the span it is called in. What `work` throws is noted and rethrown. */
export async function span<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  const to = sink;
  if (to === undefined) return work();
  const { context, end } = open(to, name, attributes, current.getStore());
  try {
    const result = await current.run(context, work);
    end();
    return result;
  } catch (error) {
    end(error ?? "unknown error");
    throw error;
  }
}

/** The same for work that does not wait. */
export function step<T>(name: string, work: () => T): T {
  const to = sink;
  if (to === undefined) return work();
  const { context, end } = open(to, name, {}, current.getStore());
  try {
    const result = current.run(context, work);
    end();
    return result;
  } catch (error) {
    end(error ?? "unknown error");
    throw error;
  }
}

/**
 * Begins the first span of a request; spans of the same async call chain become its children. Returns how to end it.
 * For servers, whose work begins and ends in different functions.
 */
export function rootSpan(name: string, attributes: Attributes): (error?: unknown) => void {
  if (sink === undefined) return () => undefined;
  const { context, end } = open(sink, name, attributes, undefined);
  current.enterWith(context);
  return end;
}

function open(to: Sink, name: string, attributes: Attributes, parent: Context | undefined) {
  const traceId = parent?.traceId ?? randomBytes(16).toString("hex");
  const context: Context = { traceId, spanId: randomBytes(8).toString("hex") };
  const start = nanoseconds();
  const end = (error?: unknown) => {
    const status = error === undefined ? { code: "OK" } : { code: "ERROR", message: String(error) };
    const times = { startTimeUnixNano: start.toString(), endTimeUnixNano: nanoseconds().toString() };
    to(`${JSON.stringify({ name, ...context, parentSpanId: parent?.spanId ?? "", ...times, attributes, status })}\n`);
  };
  return { context, end };
}

const origin = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

function nanoseconds(): bigint {
  return origin + process.hrtime.bigint();
}
