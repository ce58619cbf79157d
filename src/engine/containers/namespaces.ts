// `container:NAME` in the network, ipc and pid modes: whose namespaces they are, and that one must be running.

import type { HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { containerOf } from "../../runtime/spec/namespaces.ts";
import type { Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import { isActive, isRunning } from "./machine.ts";

/** Names become ids, so that renaming the other container does no harm. Unknown ones are left for the start to report. */
export function pinSharedNamespaces(host: HostConfig, containers: Containers): HostConfig {
  const pin = (mode: string | undefined) => {
    const ref = containerOf(mode);
    const other = ref === undefined ? undefined : containers.tryFind(ref);
    return other === undefined ? mode : `container:${other.id}`;
  };
  return {
    ...host,
    ...(host.NetworkMode === undefined ? {} : { NetworkMode: pin(host.NetworkMode) ?? "" }),
    ...(host.IpcMode === undefined ? {} : { IpcMode: pin(host.IpcMode) ?? "" }),
    ...(host.PidMode === undefined ? {} : { PidMode: pin(host.PidMode) ?? "" }),
  };
}

/** The containers whose namespaces this one joins, each once. @throws HoyError "invalid" for an unknown one. */
export function namespaceOwners(host: HostConfig, containers: Containers): Container[] {
  const refs = [host.NetworkMode, host.IpcMode, host.PidMode].map(containerOf).filter((ref) => ref !== undefined);
  return [...new Set(refs)].map((ref) => containers.findOther(ref));
}

/** @throws HoyError "conflict" with Docker's words when the other can't be joined now. */
export function joinable(other: Container): Container {
  const { state, id } = other;
  if (state.status === "restarting") {
    throw new HoyError("conflict", `container ${id} is restarting, wait until the container is running`);
  }
  if (!isActive(state) || !isRunning(state)) {
    throw new HoyError("conflict", `cannot join the namespaces of a non running container: ${id}`);
  }
  return other;
}
