// The ipvlan driver: containers with addresses, but no MAC address, of their own on the network of one of the host's
// interfaces: where a switch lets only known ones in. As with macvlan the host itself can't reach them by that interface.
// Modes (Documentation/networking/ipvlan.rst): l2 as on a switch; l3 and l3s as behind a router: no broadcast, no
// neighbours, the way out is the interface itself.

import { HoyError } from "../base/error.ts";
import { step } from "../base/trace.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink } from "../linux/netlink.ts";
import type { NetworkDriver } from "./driver.ts";
import { configureInterface, routeDefault } from "./interface.ts";
import { addDeviceRoute, deleteLink, findLink } from "./link.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";
import { checkParent, ensureParent, parentOf, removeParent } from "./parent.ts";
import { createIpvlan, hasIpvlan } from "./virtual-link.ts";

/** <linux/if_link.h>, enum ipvlan_mode and IPVLAN_F_*. */
const MODES: Readonly<Record<string, number>> = { l2: 0, l3: 1, l3s: 2 };
const FLAGS: Readonly<Record<string, number>> = { bridge: 0, private: 1, vepa: 2 };
const OPTIONS: ReadonlySet<string> = new Set(["parent", "ipvlan_mode", "ipvlan_flag", "com.docker.network.driver.mtu"]);

export class IpvlanDriver implements NetworkDriver {
  readonly name = "ipvlan";
  readonly publishes = false;
  readonly #socket = new Netlink();

  check(network: NetworkRecord): void {
    const unknown = Object.keys(network.options).find((key) => !OPTIONS.has(key));
    if (unknown !== undefined) throw new HoyError("invalid", `the ipvlan driver does not know the option ${unknown}`);
    choice(network, "ipvlan_mode", MODES, "l2");
    choice(network, "ipvlan_flag", FLAGS, "bridge");
    checkParent(this.#socket, network);
    if (!hasIpvlan(this.#socket)) {
      throw new HoyError("unavailable", "this kernel has no ipvlan (CONFIG_IPVLAN)", {
        hint: "a macvlan network needs another MAC address for each container, and else does the same",
      });
    }
  }

  ensure(network: NetworkRecord): void {
    ensureParent(this.#socket, network);
  }

  remove(network: NetworkRecord): void {
    removeParent(this.#socket, network);
  }

  connect(endpoint: EndpointRecord, namespace: NetworkNamespace, gateway: boolean): void {
    const { network, settings } = endpoint;
    const parent = parentOf(this.#socket, network);
    const mode = choice(network, "ipvlan_mode", MODES, "l2");
    const wanted = {
      name: settings.interface,
      parent: parent.index,
      mode,
      flag: choice(network, "ipvlan_flag", FLAGS, "bridge"),
      namespace: namespace.fd,
      mtu: Math.min(network.mtu, parent.mtu),
    };
    step("network.link", () => createIpvlan(this.#socket, wanted));
    step("network.interface", () => configureInterface(endpoint, namespace, false));
    if (gateway) this.route(endpoint, namespace);
  }

  /** Without a second layer there is no router to name: what goes out goes by the device. */
  route(endpoint: EndpointRecord, namespace: NetworkNamespace): void {
    const { network } = endpoint;
    if (choice(network, "ipvlan_mode", MODES, "l2") === MODES.l2) routeDefault(endpoint, namespace);
    else if (!network.internal) routeByDevice(endpoint, namespace);
  }

  /** The interface is in the container's namespace and nowhere else. */
  disconnect(endpoint: EndpointRecord, namespace: NetworkNamespace | undefined): void {
    if (namespace === undefined) return;
    using socket = namespace.run(() => new Netlink());
    deleteLink(socket, endpoint.settings.interface);
  }
}

function routeByDevice({ settings, ipv4, ipv6 }: EndpointRecord, namespace: NetworkNamespace): void {
  using socket = namespace.run(() => new Netlink());
  const device = findLink(socket, settings.interface);
  if (device === undefined) throw new HoyError("internal", `interface ${settings.interface} did not appear`);
  if (ipv4 !== undefined) addDeviceRoute(socket, device.index, 4);
  if (ipv6 !== undefined) addDeviceRoute(socket, device.index, 6);
}

function choice(network: NetworkRecord, key: string, of: Readonly<Record<string, number>>, otherwise: string): number {
  const text = network.options[key] ?? otherwise;
  const value = Object.hasOwn(of, text) ? of[text] : undefined;
  if (value !== undefined) return value;
  throw new HoyError("invalid", `requested ${key.replace("_", " ")} '${text.slice(0, 40)}' is not valid`);
}
