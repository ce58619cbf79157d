// A build of a Dockerfile by BuildKit that comes over REST: clients before 23.0 ask for it as version 2 of /build, with a
// session beside it that has their files. What happens is the same as by Control.Solve, told as one stream.

import { create, toBinary } from "@bufbuild/protobuf";
import type { StatusEvent } from "./control/progress.ts";
import { type SolveParts, solve } from "./control/solve.ts";
import { SolveRequestSchema, StatusResponseSchema } from "./proto/gen/control_pb.ts";

export interface RestBuild {
  readonly ref: string;
  readonly session: string;
  /** The Dockerfile frontend's. */
  readonly attrs: Readonly<Record<string, string>>;
  readonly outputs: readonly { readonly type: string; readonly attrs: Readonly<Record<string, string>> }[];
}

/** A StatusResponse as it goes over the wire, or at last the image, if one was made. */
export type RestProgress = { readonly trace: Uint8Array } | { readonly image: string };

/** @throws GrpcError, after all that was to tell. */
export async function* restBuild(
  { ref, session, attrs, outputs }: RestBuild,
  signal: AbortSignal,
  parts: SolveParts,
): AsyncGenerator<RestProgress, void, void> {
  const exporters = outputs.map((output) => ({ type: output.type, attrs: { ...output.attrs } }));
  const request = create(SolveRequestSchema, {
    ref,
    session,
    frontend: "dockerfile.v0",
    frontendAttrs: { ...attrs },
    exporters,
    // A parameter of the request says as much as the entitlement would.
    entitlements: attrs["force-network-mode"] === "host" ? ["network.host"] : [],
  });
  const solving = solve(request, signal, parts);
  // Awaited below; what it tells comes first.
  solving.catch(() => undefined);
  const { events } = await parts.builds.get(ref, signal);
  for await (const event of events.watch(signal)) yield { trace: traceOf(event) };
  const image = (await solving)["containerimage.config.digest"];
  if (image !== undefined) yield { image };
}

/** As BuildKit's clients read it. */
export function traceOf(event: StatusEvent): Uint8Array {
  return toBinary(StatusResponseSchema, create(StatusResponseSchema, event));
}
