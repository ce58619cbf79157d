// A container as networking wants to know it.

import type { NetworkRequest } from "../../network/contract.ts";
import type { ContainerSpec } from "../../state/containers.ts";

export function networkRequest(spec: Omit<ContainerSpec, "mounts">): NetworkRequest {
  return {
    containerId: spec.id,
    name: spec.name,
    hostname: spec.config.Hostname ?? "",
    domainname: spec.config.Domainname ?? "",
    networkMode: spec.config.NetworkDisabled ? "none" : (spec.hostConfig.NetworkMode ?? "default"),
    endpoints: spec.endpoints,
    hostConfig: spec.hostConfig,
    exposedPorts: Object.keys(spec.config.ExposedPorts ?? {}),
  };
}
