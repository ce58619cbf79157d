// The bridge driver: a Linux bridge with the gateway's addresses on the host, a veth pair for each container.

import { readFileSync, writeFileSync } from "node:fs";
import type { NetworkRate } from "../api/types/container.ts";
import { HoyError } from "../base/error.ts";
import { step } from "../base/trace.ts";
import { isErrno } from "../linux/libc.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink } from "../linux/netlink.ts";
import { formatAddress, parseAddress, parsePrefix } from "./address.ts";
import { blockPort, isolatePort } from "./bridge-port.ts";
import type { NetworkDriver } from "./driver.ts";
import { configureInterface, routeDefault } from "./interface.ts";
import * as link from "./link.ts";
import { randomMac } from "./mac.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";
import { holdRate, rateDevice } from "./rate.ts";
import { isHostInterface } from "./sweep.ts";

/** Options that mean something to this driver; others are refused, so that none is silently ignored. */
const OPTIONS: ReadonlySet<string> = new Set([
  "com.docker.network.bridge.name",
  "com.docker.network.bridge.default_bridge",
  "com.docker.network.bridge.enable_icc",
  "com.docker.network.bridge.enable_ip_masquerade",
  "com.docker.network.bridge.host_binding_ipv4",
  "com.docker.network.bridge.inhibit_ipv4",
  "com.docker.network.driver.mtu",
  "com.docker.network.container_iface_prefix",
]);

export class BridgeDriver implements NetworkDriver {
  readonly name = "bridge";
  readonly publishes = true;
  readonly #socket: Netlink;
  readonly #ipForward: boolean;
  readonly #group: number;
  /** By network. */
  readonly #indexes = new Map<string, number>();

  /**
   * In the network namespace of the calling thread. `ipForward`: may set net.ipv4.ip_forward; `group`: of the devices
   * that rates need, which are no port of any bridge and so must say by themselves whose they are.
   */
  constructor(options: { ipForward: boolean; group: number }) {
    this.#socket = new Netlink();
    this.#ipForward = options.ipForward;
    this.#group = options.group;
  }

  check(network: NetworkRecord): void {
    for (const key of Object.keys(network.options)) {
      if (key.startsWith("com.docker.network.") && !OPTIONS.has(key)) {
        throw new HoyError("invalid", `the bridge driver does not know the option ${key}`);
      }
    }
    // dev_valid_name() in the kernel, and nothing that the rules' language would have to escape.
    if (!/^[A-Za-z0-9_.-]{1,15}$/.test(network.interface) || /^\.\.?$/.test(network.interface)) {
      throw new HoyError(
        "invalid",
        `invalid bridge name: ${JSON.stringify(network.interface)} (at most 15 of letters, digits, "_.-")`,
      );
    }
    this.#find(network);
  }

  ensure(network: NetworkRecord): void {
    const found = this.#find(network);
    if (found === undefined) {
      step("bridge.make", () =>
        link.createBridge(this.#socket, network.interface, { mac: randomMac(), mtu: network.mtu }),
      );
    }
    const bridge = found ?? link.findLink(this.#socket, network.interface);
    if (bridge === undefined) throw new HoyError("internal", `bridge ${network.interface} went away while it was made`);
    if (network.options["com.docker.network.bridge.inhibit_ipv4"] !== "true")
      step("bridge.addresses", () => this.#ensureGateways(network, bridge.index));
    link.setUp(this.#socket, bridge.index);
    // So that 127.0.0.1:PORT of the host can be led to a container; firewall.ts guards the other direction.
    sysctl(`net/ipv4/conf/${network.interface}/route_localnet`, "1");
    sysctl(`net/ipv6/conf/${network.interface}/accept_ra`, "0");
    if (network.internal || !this.#ipForward) return;
    sysctl("net/ipv4/ip_forward", "1");
    if (network.enableIPv6) sysctl("net/ipv6/conf/all/forwarding", "1");
  }

  /**
   * Nothing that is no bridge, and no bridge that was here before the network. With it goes what is left on it of containers
   * that have ended: the kernel may keep a veth for minutes, and without its bridge nobody would know it for ours.
   */
  remove(network: NetworkRecord): void {
    this.#indexes.delete(network.id);
    const found = link.findLink(this.#socket, network.interface);
    if (found?.kind !== "bridge" || network.adopted) return;
    for (const port of link.listLinks(this.#socket))
      if (port.master === found.index && isHostInterface(port)) link.deleteLink(this.#socket, port.name);
    link.deleteLink(this.#socket, network.interface);
  }

  connect(endpoint: EndpointRecord, namespace: NetworkNamespace, gateway: boolean): void {
    const pair = {
      host: endpoint.hostInterface,
      peer: endpoint.settings.interface,
      peerMac: endpoint.mac,
      peerNamespace: namespace.fd,
      mtu: endpoint.network.mtu,
    };
    step("network.link", () => this.#makePort(endpoint.network, pair));
    if (!endpoint.network.icc) step("network.isolate", () => isolatePort(this.#socket, endpoint.hostInterface));
    step("network.interface", () => configureInterface(endpoint, namespace, gateway));
  }

  route(endpoint: EndpointRecord, namespace: NetworkNamespace): void {
    routeDefault(endpoint, namespace);
  }

  disconnect(endpoint: EndpointRecord): void {
    link.deleteLink(this.#socket, endpoint.hostInterface);
    link.deleteLink(this.#socket, rateDevice(endpoint.hostInterface));
  }

  retire(endpoint: EndpointRecord): void {
    blockPort(this.#socket, endpoint.hostInterface);
  }

  limit(endpoint: EndpointRecord, rate: NetworkRate | undefined): void {
    holdRate(this.#socket, endpoint.hostInterface, rate, this.#group);
  }

  /** The bridge's number is kept: to ask for it takes as long as all addresses and routes. Made anew, it has another. */
  #makePort(network: NetworkRecord, pair: Omit<link.VethOptions, "master">): void {
    const known = this.#indexes.get(network.id);
    try {
      if (known !== undefined) {
        this.#makePair({ ...pair, master: known });
        return;
      }
    } catch (error) {
      if (!isErrno(error, "EINVAL", "ENODEV", "EOPNOTSUPP")) throw error; // of a number that is no bridge's any more
    }
    const bridge = link.findLink(this.#socket, network.interface);
    if (bridge === undefined) {
      throw new HoyError("unavailable", `the bridge ${network.interface} of network ${network.name} is gone`, {
        hint: "restart the engine: it makes its bridges again at every start",
      });
    }
    this.#makePair({ ...pair, master: bridge.index });
    this.#indexes.set(network.id, bridge.index);
  }

  #makePair(pair: link.VethOptions): void {
    try {
      link.createVeth(this.#socket, pair);
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
      link.deleteLink(this.#socket, pair.host); // of a start that died half-way
      link.createVeth(this.#socket, pair);
    }
  }

  #find(network: NetworkRecord): link.Link | undefined {
    const found = link.findLink(this.#socket, network.interface);
    if (found === undefined || found.kind === "bridge") return found;
    throw new HoyError("conflict", `${network.interface} is there already and is not a bridge`);
  }

  /** Adds the gateways' addresses and takes away those of an earlier configuration. */
  #ensureGateways(network: NetworkRecord, index: number): void {
    const wanted = network.pools.map((pool) => ({
      address: parseAddress(pool.Gateway),
      prefix: parsePrefix(pool.Subnet),
    }));
    for (const { address, prefix } of wanted) link.addAddress(this.#socket, index, address, prefix);
    const keep = new Set(wanted.map(({ address }) => formatAddress(address)));
    for (const { index: on, address, length } of link.listAddresses(this.#socket)) {
      const linkLocal = address.family === 6 && formatAddress(address).startsWith("fe80:");
      if (on === index && !linkLocal && !keep.has(formatAddress(address)))
        link.removeAddress(this.#socket, on, address, length);
    }
  }
}

/** Writes a setting under /proc/sys if it differs. Where the kernel lacks it (no IPv6) there is nothing to set. */
function sysctl(name: string, value: string): void {
  const path = `/proc/sys/${name}`;
  try {
    if (readFileSync(path, "utf8").trim() !== value) writeFileSync(path, value);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
