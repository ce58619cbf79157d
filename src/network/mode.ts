// What a container's network mode means for its namespace, and what does not go with it.

import { HoyError } from "../base/error.ts";
import type { NamespaceSource, NetworkRequest } from "./contract.ts";
import { limits } from "./rate.ts";

export function namespaceSource(mode: string): NamespaceSource {
  if (mode === "host") return { kind: "host" };
  if (mode === "none") return { kind: "private" };
  if (mode.startsWith("container:")) return { kind: "container", id: mode.slice("container:".length) };
  return { kind: "managed" };
}

/** @throws HoyError "invalid" for what a container without a network of its own can't have. */
export function checkUnmanaged(source: NamespaceSource, request: NetworkRequest): void {
  const { hostConfig } = request;
  if (source.kind !== "managed" && limits(hostConfig.NetworkRate)) {
    throw new HoyError("invalid", `a network rate can't be held with the network mode ${request.networkMode}`);
  }
  if (source.kind === "container" && Object.keys(hostConfig.PortBindings ?? {}).length > 0) {
    throw new HoyError("invalid", "conflicting options: port publishing and the container type network mode");
  }
  if (source.kind === "container" && (hostConfig.Dns?.length ?? 0) > 0) {
    throw new HoyError("invalid", "conflicting options: dns and the network mode");
  }
  if (source.kind === "container" && (hostConfig.ExtraHosts?.length ?? 0) > 0) {
    throw new HoyError("invalid", "conflicting options: custom host-to-IP mapping and the network mode");
  }
}
