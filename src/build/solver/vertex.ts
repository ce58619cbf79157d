// Solving the vertices of one target: every vertex begins when its inputs are there, looks in the cache, joins who is
// already making the same, or makes it. The first failure stops the others; nothing goes on behind the error's back.

import { toHoyError } from "../../base/error.ts";
import type { BuildCache, CacheRecord } from "../cache/store.ts";
import type { StepLedger } from "../explain/ledger.ts";
import type { Input, Vertex } from "../graph.ts";
import type { BuildNeeds } from "../needs.ts";
import type { CacheMounts } from "../ops/mounts/cache-mounts.ts";
import type { Operation, OperationContext } from "../ops/operation.ts";
import { prepareOperation } from "../ops/prepare.ts";
import type { Checksums } from "../ops/tree/checksums.ts";
import type { KnownTrees } from "../ops/tree/known-tree.ts";
import type { SolveOptions, Tree } from "../solver-contract.ts";
import type { Build, Outcome } from "./build.ts";
import { inOrder, treeOf, vertexDigest } from "./digests.ts";
import type { Flights } from "./flights.ts";
import { type Said, type Say, tell } from "./progress.ts";
import type { Slots } from "./slots.ts";

export interface SolverParts {
  readonly needs: BuildNeeds;
  readonly cache: BuildCache;
  readonly caches: CacheMounts;
  readonly checksums: Checksums;
  readonly known: KnownTrees;
  readonly flights: Flights<Solved, Said>;
  readonly slots: Slots;
  readonly ledger: StepLedger;
}

/** A result that was just made. It is in use until the flight ends, by when whoever wants it has it in use. */
export interface Solved {
  readonly record: CacheRecord;
  readonly release: () => void;
}

/** @throws HoyError the first that went wrong. */
export async function solveVertex(
  target: Vertex,
  parts: SolverParts,
  build: Build,
  options: SolveOptions,
): Promise<readonly Tree[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let fault: { readonly error: unknown } | undefined;
  const asked = inOrder(target).map((vertex) => {
    const id = vertexDigest(vertex);
    if (!build.announced.has(id)) {
      build.announced.add(id);
      options.progress.vertex(vertex, id);
    }
    const known = build.vertices.get(id);
    if (known !== undefined) return known;
    const outcome = solveOne(vertex, parts, build, { ...options, signal });
    build.vertices.set(id, outcome);
    outcome.catch((error: unknown) => {
      fault ??= { error };
      stop.abort(error);
      if (build.vertices.get(id) === outcome) build.vertices.delete(id);
    });
    return outcome;
  });
  const settled = await Promise.allSettled(asked);
  const failed = settled.find((one) => one.status === "rejected");
  if (fault !== undefined) throw fault.error;
  if (failed !== undefined) throw failed.reason;
  const last = settled.at(-1);
  if (last?.status !== "fulfilled") throw new Error("a graph without a target");
  return last.value.trees;
}

async function solveOne(vertex: Vertex, parts: SolverParts, build: Build, options: SolveOptions): Promise<Outcome> {
  const inputs = await Promise.all(vertex.inputs.map((input) => outcomeOf(input, build)));
  options.signal.throwIfAborted();
  const { progress } = options;
  const { now } = parts.needs;
  const id = vertexDigest(vertex);
  progress.started(id, now());
  try {
    const { outcome, cached } = await evaluate(vertex, inputs, parts, build, options);
    progress.completed(id, now(), { cached, error: undefined });
    return outcome;
  } catch (error) {
    progress.completed(id, now(), { cached: false, error: toHoyError(error).message });
    throw error;
  }
}

interface InputOutcome {
  readonly tree: Tree;
  readonly records: readonly string[];
  readonly created: string | undefined;
}

async function outcomeOf({ vertex, output }: Input, build: Build): Promise<InputOutcome> {
  const outcome = await build.vertices.get(vertexDigest(vertex));
  const tree = outcome?.trees[output];
  if (outcome === undefined || tree === undefined) throw new RangeError(`"${vertex.name}" has no output ${output}`);
  return { tree, records: outcome.records, created: outcome.created };
}

async function evaluate(
  vertex: Vertex,
  inputs: readonly InputOutcome[],
  parts: SolverParts,
  build: Build,
  options: SolveOptions,
): Promise<{ readonly outcome: Outcome; readonly cached: boolean }> {
  const { needs, cache, flights } = parts;
  const { session, signal, progress, sourceDateEpoch } = options;
  const id = vertexDigest(vertex);
  const say: Say = (said) => {
    if (said.kind !== "failed") tell(progress, id, said);
    else if (options.keepFailed === true && said.left.hold()) build.defer(() => said.left.release());
  };
  const context: OperationContext = {
    needs,
    session,
    signal,
    say,
    build,
    caches: parts.caches,
    checksums: parts.checksums,
    known: parts.known,
    entitlements: options.entitlements,
    clamp: sourceDateEpoch === undefined ? undefined : BigInt(sourceDateEpoch) * 1_000_000_000n,
  };
  const trees = inputs.map(({ tree }) => tree);
  const operation = await prepareOperation(vertex, trees, context);
  const parents = inputs.flatMap(({ records }) => records);
  if (operation.key === undefined) {
    await using layers = needs.layers.session();
    const { outputs } = await operation.run({ signal, say, layers });
    const created = inputs
      .flatMap((input) => input.created ?? [])
      .sort()
      .at(-1);
    const outcome = { trees: outputs.map(treeOf), records: parents, created };
    return { outcome, cached: operation.type === "cached" };
  }
  const found = vertex.ignoreCache ? undefined : cache.find(operation.key);
  if (found !== undefined) {
    build.defer(cache.use(found.id));
    cache.hit(found.id);
    return { outcome: outcomeFrom(found), cached: true };
  }
  const imported = vertex.ignoreCache
    ? undefined
    : await fromElsewhere(vertex, operation, parents, parts, options, say);
  if (imported !== undefined) {
    build.defer(cache.use(imported.id));
    return { outcome: outcomeFrom(imported), cached: true };
  }
  if (options.explain === true) explain(vertex, operation, parts, options);
  const flight = vertex.ignoreCache ? `${operation.key} anew` : operation.key;
  const { record } = await flights.run(flight, signal, say, (shared, sayAll) =>
    make(vertex, operation, parents, parts, shared, sayAll),
  );
  build.defer(cache.use(record.id));
  const { key, explained } = operation;
  if (explained !== undefined) parts.ledger.note({ key, ...explained });
  return { outcome: outcomeFrom(record), cached: false };
}

/** Why it has to be made, to the build that asks. */
function explain(
  vertex: Vertex,
  { key, explained }: Operation,
  { ledger, needs }: SolverParts,
  options: SolveOptions,
): void {
  if (key === undefined || explained === undefined) return;
  const lines = vertex.ignoreCache ? ["the cache was not to be used"] : ledger.explain({ key, ...explained });
  const data = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  options.progress.log(vertexDigest(vertex), "explanation", data, needs.now());
}

/** Found in an imported cache: its layers are fetched, and it is a record here. A cache that fails is as good as none. */
async function fromElsewhere(
  vertex: Vertex,
  { key, type }: Operation,
  parents: readonly string[],
  { needs, cache, flights }: SolverParts,
  { imports = [], signal }: SolveOptions,
  say: Say,
): Promise<CacheRecord | undefined> {
  if (key === undefined || type === "cached") return undefined;
  for (const { name, find } of imports) {
    const found = find(key);
    if (found === undefined) continue;
    try {
      const { record } = await flights.run(`${key} from ${name}`, signal, say, async (shared) => {
        await using layers = needs.layers.session();
        const size = await found.fetch(layers, shared);
        const description = vertex.name;
        const record = await cache.put({ key, outputs: found.outputs, parents, type, description, size });
        return { record, release: cache.use(record.id) };
      });
      return record;
    } catch (thrown) {
      signal.throwIfAborted();
      const line = `the cache ${name} could not be used: ${toHoyError(thrown).message}\n`;
      say({ kind: "log", stream: "stderr", data: Buffer.from(line), at: needs.now() });
    }
  }
  return undefined;
}

async function make(
  vertex: Vertex,
  operation: Operation,
  parents: readonly string[],
  { needs, cache, slots }: SolverParts,
  signal: AbortSignal,
  say: Say,
): Promise<Solved> {
  const { key, type } = operation;
  if (key === undefined || type === "cached") throw new Error("an operation without a key has no record");
  const work = async (): Promise<Solved> => {
    await using layers = needs.layers.session();
    const { outputs, size } = await operation.run({ signal, say, layers });
    const record = await cache.put({ key, outputs, parents, type, description: vertex.name, size });
    return { record, release: cache.use(record.id) };
  };
  return operation.heavy ? slots.run(signal, work) : work();
}

function outcomeFrom(record: CacheRecord): Outcome {
  return { trees: record.outputs.map(treeOf), records: [record.id], created: record.created };
}
