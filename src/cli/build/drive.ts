// Builds that are driven from here, by BuildKit's gateway protocol: one that stays open when it fails, for `--debug`, and one
// that makes nothing, for `--check`: its frontend is asked for what the rules found. Loaded only for these: reading the
// protocol's description takes a client longer than asking for a cached build.

import { GrpcError } from "../../build/buildkit/grpc/status.ts";
import { statusOf } from "../../build/buildkit/grpc/status-message.ts";
import { Control } from "../../build/buildkit/proto/gen/control_pb.ts";
import { LLBBridge } from "../../build/buildkit/proto/gen/gateway_pb.ts";
import { type BuildOptions, type Built, FRONTEND, newRef, requestOf, type SolveOptions, watch } from "./solve.ts";

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
