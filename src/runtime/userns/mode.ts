// Which user namespace a container gets: one of its own, or the host's (docs/decisions/user-namespaces-and-host-modes.md).

import type { HostConfig } from "../../api/types/container.ts";

/**
 * Privileged containers and those that ask for it use the host's. So do those in the host's network or pid namespace,
 * unless they say `--userns=private`: who is let into a host namespace is meant to act on it, and a process of another
 * user namespace could neither bind a port below 1024 there, nor ping, nor signal what it sees.
 */
export function usesHostUsers(
  host: Pick<HostConfig, "UsernsMode" | "Privileged" | "NetworkMode" | "PidMode">,
): boolean {
  if (host.UsernsMode === "host" || host.Privileged === true) return true;
  return host.UsernsMode !== "private" && (host.NetworkMode === "host" || host.PidMode === "host");
}
