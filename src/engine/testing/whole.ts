// For the whole engine's tests: one engine a file, with busybox, and nothing of a test's containers left after it.

import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import type { Filters, OutputChunk } from "../../api/backend.ts";
import { TestEngine } from "./test-engine.ts";

/** Registers the file's set-up; the engine is open when the first test runs. */
export function wholeEngine(): TestEngine {
  const engine = new TestEngine();
  beforeAll(async () => {
    await engine.open();
    await engine.importBusybox();
  }, 60_000);
  afterAll(() => engine[Symbol.asyncDispose](), 60_000);
  afterEach(async () => {
    for (const { Id = "" } of await list(engine, true)) {
      await engine.containers.remove(Id, { force: true, volumes: true, link: false });
    }
    expect(engine.leftovers()).toEqual([]);
  }, 60_000);
  return engine;
}

export function list(engine: TestEngine, all: boolean, wanted: Record<string, string[]> = {}) {
  return engine.containers.list({ all, limit: undefined, size: false, filters: filters(wanted) });
}

export function filters(wanted: Record<string, string[]> = {}): Filters {
  return new Map(Object.entries(wanted).map(([key, values]) => [key, new Set(values)]));
}

/** A signal that never fires. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

export function sh(script: string): { Cmd: string[] } {
  return { Cmd: ["sh", "-c", script] };
}

/** All of a stream's output. */
export async function text(chunks: AsyncIterable<OutputChunk>): Promise<string> {
  let out = "";
  for await (const { data } of chunks) out += Buffer.from(data).toString();
  return out;
}
