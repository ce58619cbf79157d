// What clients and frontends are told of who builds here: one worker.

import { hostPlatform } from "../../../image/platform.ts";
import type { BuildkitNeeds } from "../needs.ts";

/** The BuildKit whose protocol is spoken: clients switch on what they can ask for by it. */
export const BUILDKIT_VERSION = "v0.23.0";
const DOCKERFILE_VERSION = "1.26.0";

export function workerRecord(needs: BuildkitNeeds) {
  const { os, architecture, variant = "" } = hostPlatform;
  const gateway = needs.hostGateway();
  return {
    id: "hoy",
    labels: {
      "org.mobyproject.buildkit.worker.executor": "hoy",
      // By this one buildx knows that archives, pushes and files can be asked for.
      "org.mobyproject.buildkit.worker.snapshotter": "hoy",
      ...(gateway === undefined ? {} : { "org.mobyproject.buildkit.worker.moby.host-gateway-ip": gateway }),
    },
    platforms: [{ os, architecture, variant }],
    buildkitVersion: version(needs),
  };
}

export function version({ version: own }: BuildkitNeeds) {
  return {
    package: "hoy",
    version: BUILDKIT_VERSION,
    revision: own,
    dockerfileVersion: DOCKERFILE_VERSION,
  };
}
