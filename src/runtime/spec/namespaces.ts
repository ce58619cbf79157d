// Which namespaces a container gets: namespaces(7), and Docker's --ipc, --pid, --uts, --userns, --cgroupns.
// A namespace without a path is new; one that is missing is the host's.

import type { OciIdMapping, OciLinux } from "../oci.ts";
import type { SpecInput } from "./input.ts";

type Namespace = OciLinux["namespaces"][number];

export function namespacesOf(input: SpecInput): Namespace[] {
  const { hostConfig, namespaces } = input;
  const list: (Namespace | undefined)[] = [
    { type: "mount" },
    input.idMap && at("user", namespaces.user),
    network(input),
    isHost(hostConfig.IpcMode) ? undefined : at("ipc", namespaces.ipc),
    isHost(hostConfig.PidMode) ? undefined : at("pid", namespaces.pid),
    isHost(hostConfig.UTSMode) ? undefined : { type: "uts" },
    hostConfig.CgroupnsMode === "private" ? { type: "cgroup" } : undefined,
  ];
  return list.filter((one) => one !== undefined);
}

function network({ namespaces: { network: wanted } }: SpecInput): Namespace | undefined {
  if (wanted.kind === "host") return undefined;
  return wanted.kind === "join" ? { type: "network", path: wanted.path } : { type: "network" };
}

const at = (type: Namespace["type"], path: string | undefined): Namespace =>
  path === undefined ? { type } : { type, path };

/** The mapping as OCI writes it; also when a namespace is joined: runc 1.1 wants it, and both check that it is the same. */
export function idMappings(input: SpecInput): Pick<OciLinux, "uidMappings" | "gidMappings"> {
  if (input.idMap === undefined) return {};
  const write = (ranges: typeof input.idMap.uids): OciIdMapping[] =>
    ranges.map((range) => ({ containerID: range.container, hostID: range.host, size: range.size }));
  return { uidMappings: write(input.idMap.uids), gidMappings: write(input.idMap.gids) };
}

export function isHost(mode: string | undefined): boolean {
  return mode === "host";
}

/** The name in "container:NAME", else undefined. */
export function containerOf(mode: string | undefined): string | undefined {
  return mode?.startsWith("container:") ? mode.slice("container:".length) : undefined;
}

/**
 * Do the container's own user namespace and this one of its namespaces belong together? Only then may its root mount
 * the file system that shows it: proc needs the pid namespace, sysfs the network, mqueue the ipc namespace.
 */
export function owns(input: SpecInput, what: "network" | "ipc" | "pid"): boolean {
  if (input.idMap === undefined) return true;
  const { network: net, user, ipc, pid } = input.namespaces;
  if (what === "network") return net.kind === "new" || (net.kind === "join" && net.owned);
  const joined = what === "ipc" ? ipc : pid;
  const mode = what === "ipc" ? input.hostConfig.IpcMode : input.hostConfig.PidMode;
  if (isHost(mode)) return false;
  return joined === undefined || user !== undefined;
}
