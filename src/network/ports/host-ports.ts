// The host's ports that containers have: claiming them (all of a container's or none), and giving them back.
// A claim holds real listeners; the rows (src/state/networks.ts) are what a next daemon claims again from.

import { HoyError } from "../../base/error.ts";
import { isErrno } from "../../linux/libc.ts";
import type { PortRow } from "../../state/networks.ts";
import { portHolder } from "./holder.ts";
import { type Listener, listenTcp, listenUdp, type Target } from "./proxy.ts";
import type { PortWish, Protocol } from "./request.ts";
import { chooseSctpPort, sctpEndpoints } from "./sctp.ts";

export interface PublishedPort {
  readonly protocol: Protocol;
  /** "0.0.0.0", "::" or one address. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

interface Claim {
  readonly container: string;
  /** Shared by all of its listeners. */
  readonly destination: Destination;
  /** By protocol/ip/port. */
  readonly listeners: ReadonlyMap<string, Listener>;
}

/** Where a container is reached now. */
interface Destination {
  address: string;
}

const EPHEMERAL_TRIES = 50;

export class HostPorts {
  readonly #claims = new Map<string, Claim>();
  /** protocol/ip/port → container's name, for conflicts among our own. */
  readonly #owners = new Map<string, string>();

  /**
   * Binds every wish for a container at `address` (its IPv4, else IPv6), besides what it has. All or nothing.
   * @throws HoyError "conflict" that names who holds the port; "invalid" for an address the host does not have.
   */
  async claim(
    container: { id: string; name: string },
    wishes: readonly PortWish[],
    address: string,
  ): Promise<PublishedPort[]> {
    const listeners = new Map<string, Listener>();
    const published: PublishedPort[] = [];
    const before = this.#claims.get(container.id);
    const destination = before?.destination ?? { address };
    try {
      for (const wish of wishes) {
        const done = await this.#claimOne(wish, destination, container.name);
        for (const [index, port] of done.ports.entries()) {
          const listener = done.listeners[index];
          if (listener !== undefined) listeners.set(ownerKey(port), listener);
        }
        published.push(...done.ports);
      }
    } catch (error) {
      for (const listener of listeners.values()) listener.close();
      for (const port of published) this.#owners.delete(ownerKey(port));
      throw error;
    }
    const all = new Map([...(before?.listeners ?? []), ...listeners]);
    this.#claims.set(container.id, { container: container.name, destination, listeners: all });
    return published;
  }

  /** What comes from now on goes to this address of the container. */
  lead(containerId: string, address: string): void {
    const claim = this.#claims.get(containerId);
    if (claim !== undefined) claim.destination.address = address;
  }

  /** Gives back some of a container's ports. Idempotent. */
  releaseSome(containerId: string, ports: readonly PublishedPort[]): void {
    const claim = this.#claims.get(containerId);
    if (claim === undefined) return;
    const kept = new Map(claim.listeners);
    for (const key of ports.map(ownerKey)) {
      kept.get(key)?.close();
      kept.delete(key);
      this.#owners.delete(key);
    }
    this.#claims.set(containerId, { ...claim, listeners: kept });
  }

  /** All of them. Idempotent. */
  release(containerId: string, ports: readonly Pick<PortRow, "protocol" | "host_ip" | "host_port">[]): void {
    for (const listener of this.#claims.get(containerId)?.listeners.values() ?? []) listener.close();
    this.#claims.delete(containerId);
    for (const port of ports) this.#owners.delete(`${port.protocol}/${port.host_ip}/${port.host_port}`);
  }

  /** Lets go of every listener; whose ports they are stays written, for the next daemon to claim again. */
  close(): void {
    for (const { listeners } of this.#claims.values()) for (const listener of listeners.values()) listener.close();
    this.#claims.clear();
  }

  async #claimOne(wish: PortWish, destination: Destination, name: string) {
    const hosts = wish.hostIp === "" ? ANY : [wish.hostIp];
    const target = () => ({ address: destination.address, port: wish.containerPort });
    const any = wish.first === 0;
    const candidates = any ? Array.from({ length: EPHEMERAL_TRIES }, () => 0) : range(wish.first, wish.last);
    let refusal: unknown;
    for (const candidate of candidates) {
      const listeners: Listener[] = [];
      try {
        const bound: string[] = [];
        for (const host of hosts) {
          const listener = await this.#listen(wish.protocol, host, listeners[0]?.port ?? candidate, target).catch(
            noIPv6(host),
          );
          if (listener === undefined) continue;
          listeners.push(listener);
          bound.push(host);
        }
        const hostPort = listeners[0]?.port ?? candidate;
        const ports = bound.map((hostIp) => ({
          protocol: wish.protocol,
          hostIp,
          hostPort,
          containerPort: wish.containerPort,
        }));
        for (const port of ports) this.#owners.set(ownerKey(port), name);
        return { listeners, ports };
      } catch (error) {
        for (const listener of listeners) listener.close();
        refusal = error;
        if (!isErrno(error, "EADDRINUSE")) break;
      }
    }
    throw this.#refused(wish, hosts[0] ?? "", refusal);
  }

  async #listen(protocol: Protocol, host: string, port: number, target: () => Target): Promise<Listener> {
    if (protocol === "tcp") return listenTcp(host, port, target);
    if (protocol === "udp") return listenUdp(host, port, target);
    const taken = (candidate: number) => this.#sctpTaken(host, candidate);
    const chosen = port === 0 ? chooseSctpPort(taken) : port;
    if (chosen === undefined || taken(chosen) || sctpEndpoints().has(chosen)) {
      throw Object.assign(new Error("in use"), { code: "EADDRINUSE" });
    }
    return { port: chosen, close: () => undefined };
  }

  /** As the kernel would see it for sockets: an address of all and one of its own family don't go together. */
  #sctpTaken(host: string, port: number): boolean {
    const any = host.includes(":") ? "::" : "0.0.0.0";
    const key = (hostIp: string) => ownerKey({ protocol: "sctp", hostIp, hostPort: port });
    if (this.#owners.has(key(host)) || this.#owners.has(key(any))) return true;
    if (host !== any) return false;
    const others = [...this.#owners.keys()].filter((one) => one.startsWith("sctp/") && one.endsWith(`/${port}`));
    return others.some((one) => one.includes(":") === host.includes(":"));
  }

  #refused(wish: PortWish, host: string, error: unknown): unknown {
    const where = `${host.includes(":") ? `[${host}]` : host}:${wish.first}`;
    if (isErrno(error, "EADDRNOTAVAIL")) {
      return new HoyError(
        "invalid",
        `failed to bind host port ${where}/${wish.protocol}: cannot assign requested address: the host has no ${host}`,
      );
    }
    if (!isErrno(error, "EADDRINUSE")) return error;
    const ours = [host, ...ANY].map((ip) =>
      this.#owners.get(ownerKey({ protocol: wish.protocol, hostIp: ip, hostPort: wish.first })),
    );
    const container = ours.find((owner) => owner !== undefined);
    const holder = container === undefined ? portHolder(wish.protocol, wish.first) : `container ${container}`;
    const by = holder === undefined ? "" : ` by ${holder}`;
    return new HoyError("conflict", `Bind for ${where} failed: port is already allocated${by}`);
  }
}

const ANY: readonly string[] = ["0.0.0.0", "::"];

/** "All addresses" of a host without IPv6 are its IPv4 ones. */
function noIPv6(host: string): (error: unknown) => undefined {
  return (error) => {
    if (host === "::" && isErrno(error, "EAFNOSUPPORT", "EADDRNOTAVAIL")) return undefined;
    throw error;
  };
}

function ownerKey(port: { protocol: string; hostIp: string; hostPort: number }): string {
  return `${port.protocol}/${port.hostIp}/${port.hostPort}`;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
