// One build from its request to its answer: what is asked for is checked first, then the frontend runs (here or in the
// client), the result is solved, and goes to its outputs.

import { HoyError } from "../../../base/error.ts";
import { type CacheParts, cacheTargets, exportCaches, importCaches } from "../../cache/remote/caches.ts";
import type { CacheEntryOption } from "../../cache/remote/entry.ts";
import { inlineRecords } from "../../cache/remote/export.ts";
import { grant } from "../../entitlements.ts";
import type { Tree } from "../../solver-contract.ts";
import type { Exporter, SolvedRef } from "../export/exporter.ts";
import { exporterOf } from "../export/index.ts";
import { attestationsOf } from "../export/package/attestations.ts";
import { CODE, GrpcError, toGrpcError } from "../grpc/status.ts";
import { statusOf } from "../grpc/status-message.ts";
import { missing } from "../llb/values.ts";
import type { BuildkitNeeds } from "../needs.ts";
import type { SolveRequest } from "../proto/gen/control_pb.ts";
import type { Status } from "../proto/gen/status_pb.ts";
import type { BuildResult } from "../result.ts";
import { ContentPlace } from "../session/content-place.ts";
import type { Sessions } from "../session/sessions.ts";
import type { Build } from "./build.ts";
import type { Builds } from "./builds.ts";
import type { History, HistoryRecord } from "./history.ts";
import { timestamp } from "./time.ts";

export interface SolveParts {
  readonly needs: BuildkitNeeds;
  readonly sessions: Sessions;
  readonly builds: Builds;
  readonly history: History;
}

export async function solve(
  request: SolveRequest,
  signal: AbortSignal,
  parts: SolveParts,
): Promise<Readonly<Record<string, string>>> {
  const { needs, builds, history } = parts;
  const build = builds.open(request.ref, request.session);
  const gone = () => build.cancel(new HoyError("cancelled", "the build was cancelled"));
  if (signal.aborted) gone();
  else signal.addEventListener("abort", gone, { once: true });
  const started: HistoryRecord = {
    ref: request.ref,
    frontend: request.frontend,
    frontendAttrs: shown(request.frontendAttrs),
    exporters: request.exporters.map(({ type, attrs }) => ({ type, attrs })),
    createdAt: timestamp(needs.now()),
  };
  if (!request.internal) history.started(started);
  let error: GrpcError | undefined;
  let response: Readonly<Record<string, string>> = {};
  try {
    response = await run(request, build, parts);
    return response;
  } catch (thrown) {
    error = build.signal.aborted ? toGrpcError(build.signal.reason) : toGrpcError(thrown);
    throw error;
  } finally {
    signal.removeEventListener("abort", gone);
    if (!request.internal) await remember(started, { build, response, error }, parts);
    await build[Symbol.asyncDispose]();
    // Who asks for its progress a moment later still finds it.
    setTimeout(() => builds.close(build), LINGER).unref();
  }
}

/** A build is what it is, also when the disk has no room for telling of it. */
async function remember(
  started: HistoryRecord,
  outcome: {
    readonly build: Build;
    readonly response: Readonly<Record<string, string>>;
    readonly error?: GrpcError | undefined;
  },
  { history, needs }: SolveParts,
): Promise<void> {
  const { build, response, error } = outcome;
  const counts = build.events.counts();
  try {
    await history.completed(
      {
        ...started,
        completedAt: timestamp(needs.now()),
        exporterResponse: { ...response },
        numCachedSteps: counts.cached,
        numTotalSteps: counts.total,
        numCompletedSteps: counts.completed,
        numWarnings: counts.warnings,
        ...(error === undefined ? {} : { error: recorded(error) }),
      },
      build.events.all(),
    );
  } catch (thrown) {
    needs.log.error("a build could not be noted in the history", { ref: build.ref, error: String(thrown) });
  }
}

/** Milliseconds. */
const LINGER = 5000;

async function run(
  request: SolveRequest,
  build: Build,
  { needs, sessions }: SolveParts,
): Promise<Readonly<Record<string, string>>> {
  const exporters = exportersOf(request, needs);
  checkRequest(request);
  build.entitlements = grant(request.entitlements, needs.grantable());
  const caches = cacheTargets(exportsOf(request));
  const attestations = attestationsOf(request.frontendAttrs);
  const cacheParts = cachePartsOf(build, needs, sessions);
  build.importFrom(importCaches(importsOf(request), cacheParts));
  build.inputs = request.frontendInputs;
  const inClient = request.frontend === "" && (request.definition?.def.length ?? 0) === 0;
  build.keepFailed = inClient;
  const result = inClient
    ? await build.returned()
    : await build.run({
        definition: request.definition,
        frontend: request.frontend,
        attrs: request.frontendAttrs,
        inputs: request.frontendInputs,
      });
  const solved = await solveAll(build, result);
  const response: Record<string, string> = {};
  const records = caches.inline ? await needs.solver.records(build.session) : [];
  const inlineCache = ({ diffIds }: Tree) => (caches.inline ? inlineRecords(records, diffIds) : undefined);
  for (const exporter of exporters) {
    Object.assign(response, await exporter({ build, result, solved, inlineCache, attestations, needs, sessions }));
  }
  const trees = [...solved.values()].map(({ tree }) => tree);
  Object.assign(response, await exportCaches(caches, trees, cacheParts));
  return response;
}

async function solveAll(build: Build, result: BuildResult): Promise<ReadonlyMap<string, SolvedRef>> {
  const solved = await Promise.all(
    [...result.refs].map(async ([name, ref]) => [name, { ref, tree: await build.solve(ref) }] as const),
  );
  return new Map(solved);
}

function exportersOf(request: SolveRequest, needs: BuildkitNeeds): Exporter[] {
  const { exporters, exporterDeprecated: type, exporterAttrsDeprecated: attrs } = request;
  const asked = exporters.length > 0 ? exporters : type === "" ? [] : [{ type, attrs }];
  if (asked.length > 20) throw new HoyError("invalid", "more than 20 outputs");
  return asked.map((each, index) => exporterOf(each, index, needs));
}

function checkRequest(request: SolveRequest): void {
  if (request.sourcePolicy.length > 0 || request.sourcePolicySession !== "") throw missing("a source policy");
}

function cachePartsOf(build: Build, { solver }: BuildkitNeeds, sessions: Sessions): CacheParts {
  const { session, signal, events } = build;
  return {
    solver,
    session,
    signal,
    step: (name, work) =>
      events.step(name, ({ status }) => work((what) => status({ name: what, current: 0, total: 0, done: true }))),
    directory: async (path, root) => new ContentPlace(await sessions.get(session.id, signal), `local:${path}`, root),
  };
}

function exportsOf({ cache }: SolveRequest): CacheEntryOption[] {
  const { exports = [], exportRefDeprecated: ref = "", exportAttrsDeprecated: attrs = {} } = cache ?? {};
  return [...exports, ...(ref === "" ? [] : [{ type: "registry", attrs: { ...attrs, ref } }])];
}

function importsOf({ cache }: SolveRequest): CacheEntryOption[] {
  const { imports = [], importRefsDeprecated: refs = [] } = cache ?? {};
  return [...imports, ...refs.map((ref) => ({ type: "registry", attrs: { ref } }))];
}

/** Without its details, which are large. By these words clients know one that was cancelled. */
function recorded({ code, message }: GrpcError): Status {
  return statusOf(new GrpcError(code, code === CODE.cancelled ? `context canceled: ${message}` : message));
}

/** Build arguments may be secrets of careless people: the record says that they were there. */
function shown(attrs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attrs).map(([name, value]) => [name, name.startsWith("build-arg:") ? "***" : value.slice(0, 1000)]),
  );
}
