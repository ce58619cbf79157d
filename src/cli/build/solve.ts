// One build by BuildKit's protocol: asks for it, shows what happens, and gives the engine's answer. What is driven from
// here, step by step, is in drive.ts.

import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GrpcClient } from "../../build/buildkit/grpc/client.ts";
import { frame } from "../../build/buildkit/grpc/frames.ts";
import { CODE, GrpcError } from "../../build/buildkit/grpc/status.ts";
import type { SolveRequestSchema, StatusResponse } from "../../build/buildkit/proto/gen/control_pb.ts";
import { readLight, writeLight } from "../../build/buildkit/proto/light.ts";
import {
  SOLVE_REQUEST,
  SOLVE_RESPONSE,
  STATUS_REQUEST,
  STATUS_RESPONSE,
} from "../../build/buildkit/proto/light-messages.ts";
import { PATHS } from "../../build/buildkit/proto/paths.ts";
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
    const answer = await control.unaryBytes(PATHS.solve, writeLight(SOLVE_REQUEST, request), { signal });
    const { exporterResponse } = readLight(SOLVE_RESPONSE, answer);
    return { ref, response: exporterResponse as Record<string, string> };
  } finally {
    await watching;
  }
}

export const FRONTEND = "dockerfile.v0";

export function requestOf(
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

/** Until the engine has told everything of the build; what breaks here is the build's own error as well. */
export async function watch({ control, progress, signal }: SolveOptions, ref: string): Promise<void> {
  const call = control.openBytes(PATHS.status, { signal });
  try {
    await call.sendFramed(frame(writeLight(STATUS_REQUEST, { ref })));
    call.end();
    for await (const batch of call.batches) {
      for (const bytes of batch) progress.take(readLight(STATUS_RESPONSE, bytes) as unknown as StatusResponse);
    }
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
export function newRef(): string {
  return randomUUID().replaceAll("-", "").slice(0, 25);
}
