// Who calls LLBBridge: a frontend and what it has of a build. One in the client has the build itself; one that runs here
// in a container has a result, inputs and containers of its own.

import { HoyError } from "../../../base/error.ts";
import type { Build } from "../control/build.ts";
import type { Builds } from "../control/builds.ts";
import type { CallContext } from "../grpc/service.ts";
import type { GrpcError } from "../grpc/status.ts";
import type { Definition } from "../proto/gen/ops_pb.ts";
import type { BuildResult } from "../result.ts";
import type { Containers } from "./containers.ts";

export interface Bridge {
  readonly build: Build;
  readonly containers: Containers;
  readonly inputs: Readonly<Record<string, Definition>>;
  /** How many frontends have asked for one another. */
  readonly depth: number;
  /** The frontend has ended. */
  giveBack(result: BuildResult | GrpcError): void;
}

const BUILD = "buildkit-controlapi-buildid";

/** Clients name the build in a header. */
export function clientBridge(builds: Builds): (context: CallContext) => Promise<Bridge> {
  return async ({ metadata, signal }) => {
    const id = metadata.get(BUILD)?.[0];
    if (id === undefined) throw new HoyError("invalid", "the call does not say of which build it is");
    const build = await builds.get(id, signal);
    build.signal.throwIfAborted();
    const { containers, inputs } = build;
    return { build, containers, inputs, depth: 0, giveBack: (result) => build.giveBack(result) };
  };
}
