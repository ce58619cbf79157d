// What the engine asks of networking around a container's life. The bridge, host, none and container modes stand
// behind this; the engine never sees netlink or nftables.

import type { HostConfig, Port, PortMap } from "../api/types/container.ts";
import type { EndpointSettings, NetworkSettings } from "../api/types/network.ts";

export interface NetworkRequest {
  readonly containerId: string;
  readonly name: string;
  readonly hostname: string;
  readonly networkMode: string;
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  readonly hostConfig: HostConfig;
  readonly exposedPorts: readonly string[];
  /** First host id of the container's user namespace; the network namespace must belong to it for NET_ADMIN inside. */
  readonly userNamespace: { readonly pid: number } | undefined;
}

export interface Attachment {
  /** Path of the network namespace to join; undefined: the host's own. */
  readonly namespace: string | undefined;
  readonly settings: NetworkSettings;
  readonly ports: PortMap;
  /** For `docker ps`. */
  readonly portList: readonly Port[];
  /** Lines for the container's files. */
  readonly hosts: readonly { readonly address: string; readonly names: readonly string[] }[];
  readonly resolvConf: string;
}

export interface NetworkManager {
  /** Makes the namespace and its interfaces. Nothing is left when it throws. */
  attach(request: NetworkRequest, signal: AbortSignal): Promise<Attachment>;
  /** Gives back addresses, ports, interfaces, the namespace. Idempotent; also for what a dead engine left. */
  detach(containerId: string): Promise<void>;
  /** What inspect shows, running or not. */
  describe(request: NetworkRequest): Promise<NetworkSettings>;
}
