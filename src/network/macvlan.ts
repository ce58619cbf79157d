// The macvlan driver: containers with a MAC address of their own on the network of one of the host's interfaces.
// The host itself can't reach them by that interface (the kernel's macvlan is so), and no ports are published: the
// container is on the network already.

import { HoyError } from "../base/error.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink } from "../linux/netlink.ts";
import type { NetworkDriver } from "./driver.ts";
import { configureInterface } from "./interface.ts";
import * as link from "./link.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";

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
    const parent = network.options.parent;
    if (parent === undefined) return;
    if (!/^[A-Za-z0-9_.-]{1,15}$/.test(parent))
      throw new HoyError("invalid", `invalid parent interface name: ${JSON.stringify(parent.slice(0, 40))}`);
    if (link.findLink(this.#socket, parent) === undefined && vlanOf(parent) === undefined) {
      throw new HoyError("not-found", `the parent interface ${parent} was not found`);
    }
  }

  ensure(network: NetworkRecord): void {
    const parent = network.interface;
    if (link.findLink(this.#socket, parent) === undefined) this.#createParent(network);
    const found = link.findLink(this.#socket, parent);
    if (found === undefined)
      throw new HoyError("unavailable", `the parent interface ${parent} of network ${network.name} is gone`);
    if (network.options.parent === undefined || vlanOf(parent) !== undefined) link.setUp(this.#socket, found.index);
  }

  /** Only what the driver made: its own inner pair or VLAN, never an interface of the host's. */
  remove(network: NetworkRecord): void {
    const found = link.findLink(this.#socket, network.interface);
    const made =
      network.options.parent === undefined
        ? found?.kind === "veth"
        : vlanOf(network.interface) !== undefined && found?.kind === "vlan";
    if (made) link.deleteLink(this.#socket, network.interface);
  }

  connect(endpoint: EndpointRecord, namespace: NetworkNamespace, gateway: boolean): void {
    const { network } = endpoint;
    const parent = link.findLink(this.#socket, network.interface);
    if (parent === undefined)
      throw new HoyError("unavailable", `the parent interface ${network.interface} of network ${network.name} is gone`);
    link.createMacvlan(this.#socket, {
      name: endpoint.settings.interface,
      parent: parent.index,
      mode: modeOf(network),
      mac: endpoint.mac,
      namespace: namespace.fd,
      mtu: Math.min(network.mtu, parent.mtu),
    });
    configureInterface(endpoint, namespace, gateway);
  }

  /** The interface is in the container's namespace and nowhere else. */
  disconnect(endpoint: EndpointRecord, namespace: NetworkNamespace | undefined): void {
    if (namespace === undefined) return;
    using socket = namespace.run(() => new Netlink());
    link.deleteLink(socket, endpoint.settings.interface);
  }

  #createParent(network: NetworkRecord): void {
    const vlan = vlanOf(network.interface);
    if (network.options.parent === undefined || vlan === undefined) {
      // The dummy device, made for this, is optional in kernels; whoever runs containers has veth.
      link.createInnerPair(this.#socket, network.interface, network.interface.replace(/^dm-/, "dp-"), network.mtu);
      return;
    }
    const parent = link.findLink(this.#socket, vlan.parent);
    if (parent === undefined) throw new HoyError("not-found", `the parent interface ${vlan.parent} was not found`);
    link.createVlan(this.#socket, network.interface, parent.index, vlan.id);
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

/** "eth0.10": VLAN 10 on eth0. */
function vlanOf(name: string): { parent: string; id: number } | undefined {
  const [, parent, digits] = name.match(/^(.+)\.(\d{1,4})$/) ?? [];
  const id = Number(digits);
  return parent !== undefined && id >= 1 && id <= 4094 ? { parent, id } : undefined;
}
