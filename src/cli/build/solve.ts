// One build by BuildKit's protocol: asks for it, shows what happens, and gives the engine's answer. `--check` is a build
// that makes nothing: its frontend is asked for what the rules found.

import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GrpcClient } from "../../build/buildkit/grpc/client.ts";
import { CODE, GrpcError, statusOf } from "../../build/buildkit/grpc/status.ts";
import { Control, type SolveRequestSchema } from "../../build/buildkit/proto/gen/control_pb.ts";
import { LLBBridge } from "../../build/buildkit/proto/gen/gateway_pb.ts";
import type { Exporter } from "./outputs.ts";
import type { Progress } from "./progress/open.ts";
import type { CacheEntry } from "./request.ts";

export interface SolveOptions {
  readonly control: GrpcClient;
  readonly session: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface BuildOptions extends SolveOptions {
  readonly exporters: readonly Exporter[];
  readonly cacheFrom: readonly CacheEntry[];
  readonly cacheTo: readonly CacheEntry[];
  readonly entitlements: readonly string[];
}

export interface Built {
  readonly ref: string;
  /** What the exporters say of what they made. */
  readonly response: Readonly<Record<string, string>>;
}

/** @throws GrpcError with its place in the Dockerfile. */
export async function solveBuild(options: BuildOptions): Promise<Built> {
  const { control, signal } = options;
  const ref = newRef();
  const request = { ...requestOf(options, ref), frontend: FRONTEND };
  const watching = watch(options, ref);
  try {
    const { exporterResponse } = await control.unary(Control.method.solve, request, { signal });
    return { ref, response: exporterResponse };
  } finally {
    await watching;
  }
}

/**
 * The same, driven from here: a build that failed stays open until the second function has looked at what it left.
 * @throws GrpcError with its place in the Dockerfile.
 */
export async function solveDebugged(
  options: BuildOptions,
  failed: (error: GrpcError, ref: string) => Promise<void>,
): Promise<Built> {
  const { control, attrs, signal } = options;
  const ref = newRef();
  const metadata = new Map([["buildkit-controlapi-buildid", [ref]]]);
  const solving = control.unary(Control.method.solve, requestOf(options, ref), { signal });
  solving.catch(() => undefined);
  const watching = watch(options, ref);
  watching.catch(() => undefined);
  const asked = { frontend: FRONTEND, frontendOpt: { ...attrs }, evaluate: true };
  const giving = { signal, metadata };
  try {
    const { result } = await control.unary(LLBBridge.method.solve, asked, giving);
    await control.unary(LLBBridge.method.return, { result: result ?? {} }, giving);
  } catch (thrown) {
    if (thrown instanceof GrpcError && !signal.aborted && !control.closed.aborted) {
      await failed(thrown, ref);
      await control.unary(LLBBridge.method.return, { error: statusOf(thrown) }, giving);
      await Promise.allSettled([solving, watching]);
    }
    throw thrown;
  }
  const { exporterResponse } = await solving;
  await watching;
  return { ref, response: exporterResponse };
}

const FRONTEND = "dockerfile.v0";

function requestOf(
  { session, attrs, exporters, cacheFrom, cacheTo, entitlements }: BuildOptions,
  ref: string,
): MessageInitShape<typeof SolveRequestSchema> {
  const [first] = exporters;
  return {
    ref,
    session,
    frontendAttrs: { ...attrs },
    exporters: exporters.map(({ type, attrs: own }) => ({ type, attrs: { ...own } })),
    // What engines before BuildKit 0.13 read.
    exporterDeprecated: first?.type ?? "",
    exporterAttrsDeprecated: { ...first?.attrs },
    entitlements: [...entitlements],
    cache: {
      imports: cacheFrom.map(({ type, attrs: own }) => ({ type, attrs: { ...own } })),
      exports: cacheTo.map(({ type, attrs: own }) => ({ type, attrs: { ...own } })),
    },
  };
}

export interface CheckResult {
  readonly text: string;
  readonly status: number;
}

export async function solveCheck(options: SolveOptions): Promise<CheckResult> {
  const { control, session, attrs, signal } = options;
  const ref = newRef();
  const metadata = new Map([["buildkit-controlapi-buildid", [ref]]]);
  const solving = control.unary(Control.method.solve, { ref, session }, { signal });
  solving.catch(() => undefined);
  const frontendOpt = { ...attrs, requestid: "frontend.lint", "frontend.caps": "moby.buildkit.frontend.subrequests" };
  const { result } = await control.unary(
    LLBBridge.method.solve,
    { frontend: "dockerfile.v0", frontendOpt },
    { signal, metadata },
  );
  await control.unary(LLBBridge.method.return, { result: {} }, { signal, metadata });
  await solving;
  const text = (name: string) => Buffer.from(result?.metadata[name] ?? []).toString();
  return { text: text("result.txt"), status: Number(text("result.statuscode") || "0") };
}

/** Until the engine has told everything of the build; what breaks here is the build's own error as well. */
async function watch({ control, progress, signal }: SolveOptions, ref: string): Promise<void> {
  const call = control.open(Control.method.status, { signal });
  try {
    await call.send({ ref });
    call.end();
    for await (const status of call.answers) progress.take(status);
  } catch (thrown) {
    if (!(thrown instanceof GrpcError) && !signal.aborted) throw thrown;
    if (
      thrown instanceof GrpcError &&
      ![CODE.cancelled, CODE.unavailable, CODE.notFound, CODE.unknown].some((code) => code === thrown.code)
    )
      throw thrown;
  } finally {
    call.cancel();
  }
}

/** As buildx names its builds. */
function newRef(): string {
  return randomUUID().replaceAll("-", "").slice(0, 25);
}
