// The macvlan driver: containers with a MAC address of their own on the network of one of the host's interfaces.
// The host itself can't reach them by that interface (the kernel's macvlan is so), and no ports are published: the
// container is on the network already.

import { HoyError } from "../base/error.ts";
import { step } from "../base/trace.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink } from "../linux/netlink.ts";
import type { NetworkDriver } from "./driver.ts";
import { configureInterface, routeDefault } from "./interface.ts";
import { deleteLink } from "./link.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";
import { checkParent, ensureParent, parentOf, removeParent } from "./parent.ts";
import { createMacvlan } from "./virtual-link.ts";

/** <linux/if_link.h>, enum macvlan_mode. */
const MODES: Readonly<Record<string, number>> = { private: 1, vepa: 2, bridge: 4, passthru: 8 };
const OPTIONS: ReadonlySet<string> = new Set(["parent", "macvlan_mode", "com.docker.network.driver.mtu"]);

export class MacvlanDriver implements NetworkDriver {
  readonly name = "macvlan";
  readonly publishes = false;
  readonly #socket = new Netlink();

  check(network: NetworkRecord): void {
    const unknown = Object.keys(network.options).find((key) => !OPTIONS.has(key));
    if (unknown !== undefined) throw new HoyError("invalid", `the macvlan driver does not know the option ${unknown}`);
    modeOf(network);
    checkParent(this.#socket, network);
  }

  ensure(network: NetworkRecord): void {
    ensureParent(this.#socket, network);
  }

  remove(network: NetworkRecord): void {
    removeParent(this.#socket, network);
  }

  connect(endpoint: EndpointRecord, namespace: NetworkNamespace, gateway: boolean): void {
    const { network } = endpoint;
    const parent = parentOf(this.#socket, network);
    const wanted = {
      name: endpoint.settings.interface,
      parent: parent.index,
      mode: modeOf(network),
      mac: endpoint.mac,
      namespace: namespace.fd,
      mtu: Math.min(network.mtu, parent.mtu),
    };
    step("network.link", () => createMacvlan(this.#socket, wanted));
    step("network.interface", () => configureInterface(endpoint, namespace, gateway));
  }

  route(endpoint: EndpointRecord, namespace: NetworkNamespace): void {
    routeDefault(endpoint, namespace);
  }

  /** The interface is in the container's namespace and nowhere else. */
  disconnect(endpoint: EndpointRecord, namespace: NetworkNamespace | undefined): void {
    if (namespace === undefined) return;
    using socket = namespace.run(() => new Netlink());
    deleteLink(socket, endpoint.settings.interface);
  }
}

function modeOf(network: NetworkRecord): number {
  const mode = MODES[network.options.macvlan_mode ?? "bridge"];
  if (mode === undefined)
    throw new HoyError(
      "invalid",
      `requested macvlan mode '${network.options.macvlan_mode?.slice(0, 40)}' is not valid`,
    );
  return mode;
}
