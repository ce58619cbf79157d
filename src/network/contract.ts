// What the engine asks of networking around a container's life. The bridge, macvlan, host, none and container modes
// stand behind this; the engine never sees netlink or nftables.
//
//   create:  check(request)                       nothing is taken yet
//   start:   reserve(request)                     addresses, host ports and names are taken (rows first)
//            connect(id, /proc/PID/ns/net)        interfaces are put into the namespace that the shim made ("managed")
//   end:     release(id)                          all given back; also when a start failed half-way
//   daemon:  adopt(id, namespace | undefined)     a container that ran on while no daemon was there
//
// Every call is idempotent, and what a dead engine left half-done is repaired by release or adopt.

import type { HostConfig, Port } from "../api/types/container.ts";
import type { EndpointSettings, NetworkSettings } from "../api/types/network.ts";

export interface NetworkRequest {
  readonly containerId: string;
  /** Without the slash. */
  readonly name: string;
  readonly hostname: string;
  readonly domainname: string;
  /** HostConfig.NetworkMode: "default", "bridge", "none", "host", "container:ID" or a network's name or id. */
  readonly networkMode: string;
  /** NetworkingConfig.EndpointsConfig, by network name as the user gave it. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  readonly hostConfig: HostConfig;
  /** "80/tcp" …: EXPOSE and --expose. */
  readonly exposedPorts: readonly string[];
}

/** Where the container's network namespace comes from. */
export type NamespaceSource =
  | { readonly kind: "managed" } // the shim makes it, connect() fills it
  | { readonly kind: "private" } // the OCI runtime makes an empty one (mode none)
  | { readonly kind: "host" }
  | { readonly kind: "container"; readonly id: string };

export interface Reservation {
  readonly namespace: NamespaceSource;
  /** What inspect shows from now on. */
  readonly settings: NetworkSettings;
  /** For `docker ps`. */
  readonly ports: readonly Port[];
  /** Lines for /etc/hosts besides localhost: the container's own addresses, links and --add-host. */
  readonly hosts: readonly { readonly address: string; readonly names: readonly string[] }[];
  /** Whole text of /etc/resolv.conf. */
  readonly resolvConf: string;
}

export interface NetworkManager {
  /** @throws HoyError "not-found" for an unknown network, "invalid" for what can't be (host mode with ports mapped …). */
  check(request: NetworkRequest): void;
  reserve(request: NetworkRequest): Promise<Reservation>;
  connect(containerId: string, namespacePath: string): Promise<void>;
  release(containerId: string): Promise<void>;
  /**
   * A running container's published ports become those of the request; those that stay are not touched.
   * @throws HoyError "conflict" for a port that is taken (nothing has changed then), "invalid" when it has no network.
   */
  changePorts(request: NetworkRequest): Promise<Reservation>;
  /**
   * A running container's network rate becomes that of the request, on all of its networks.
   * @throws HoyError "invalid" when it has no network that can be limited, "unavailable" when the kernel can't.
   */
  changeRate(request: NetworkRequest): void;
  /** A container has the request's name now: it is found by that at once, and by `old` no more. Links to it follow. */
  rename(request: NetworkRequest, old: string): void;
  adopt(request: NetworkRequest, namespacePath: string | undefined): Promise<Reservation>;
  /** What of the host is in the way of networks, for `info`: one line each, with what to do. */
  warnings(): readonly string[];
  /** What inspect shows of a container that does not run. */
  describe(request: NetworkRequest): NetworkSettings;
}
