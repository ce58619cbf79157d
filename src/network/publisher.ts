// Published ports of running containers: host ports claimed, rows written, rules set.
// Order for a crash: claim (a socket, gone with us) → row → rule. A next daemon loads the rules from the rows.

import { log } from "../base/log.ts";
import { span, step } from "../base/trace.ts";
import type { NetworkRows, PortRow } from "../state/networks.ts";
import { gatewayOf } from "./endpoints.ts";
import type { EndpointRecord } from "./network.ts";
import { comparePorts } from "./ports/compare.ts";
import { HostPorts, type PublishedPort } from "./ports/host-ports.ts";
import type { PortWish, Protocol } from "./ports/request.ts";
import type { Rules } from "./table.ts";

interface Owner {
  readonly id: string;
  readonly name: string;
}

export class Publisher {
  readonly #rows: NetworkRows;
  readonly #rules: Rules;
  readonly #ports = new HostPorts();

  constructor(rows: NetworkRows, rules: Rules) {
    this.#rows = rows;
    this.#rules = rules;
  }

  /** All of `wishes` or none. @throws HoyError "conflict" that names who has a port. */
  async publish(
    owner: Owner,
    endpoints: readonly EndpointRecord[],
    wishes: readonly PortWish[],
  ): Promise<PublishedPort[]> {
    const address = targetOf(endpoints);
    if (wishes.length === 0 || address === undefined) return [];
    const ports = await span("ports.claim", {}, () => this.#ports.claim(owner, wishes, address));
    const rows = ports.map((port) => rowOf(owner.id, port));
    step("ports.rows", () => this.#writeRows(owner, rows));
    step("ports.rules", () => this.#rules.change([], rows, endpoints));
    return ports;
  }

  /**
   * Makes the ports of a container that runs those of `wishes`; what fits one already stays as it is, its connections too.
   * @throws HoyError "conflict" that names who has a port; nothing has changed then.
   */
  async change(
    owner: Owner,
    endpoints: readonly EndpointRecord[],
    before: readonly PublishedPort[],
    wishes: readonly PortWish[],
  ): Promise<PublishedPort[]> {
    const address = targetOf(endpoints);
    if (address === undefined) return [];
    const { kept, gone, missing } = comparePorts(before, wishes);
    const added =
      missing.length === 0 ? [] : await span("ports.claim", {}, () => this.#ports.claim(owner, missing, address));
    const now = [...kept, ...added];
    const rowsOf = (ports: readonly PublishedPort[]) => ports.map((port) => rowOf(owner.id, port));
    step("ports.rows", () => this.#writeRows(owner, rowsOf(now)));
    // Those that stay are said again: two of them may share an element with one that goes. One transaction.
    step("ports.rules", () => this.#rules.change(rowsOf(gone), rowsOf(now), endpoints));
    this.#ports.releaseSome(owner.id, gone);
    return now;
  }

  /** Takes the rules of a container's ports away for the moment: what leads to `endpoints` is about to lead elsewhere. */
  pause(ownerId: string, endpoints: readonly EndpointRecord[]): void {
    this.#withdraw(this.#rows.portsOf(ownerId), endpoints);
  }

  /** Its ports lead to where `endpoints` say, after `pause`. On no network there are none: they are given up. */
  lead(ownerId: string, ports: readonly PublishedPort[], endpoints: readonly EndpointRecord[]): PublishedPort[] {
    const address = targetOf(endpoints);
    const rows = this.#rows.portsOf(ownerId);
    if (address === undefined) {
      this.#ports.release(ownerId, rows);
      step("ports.rows", () => this.#rows.deletePorts(ownerId));
      return [];
    }
    this.#ports.lead(ownerId, address);
    step("ports.rules", () => this.#rules.change([], rows, endpoints));
    return [...ports];
  }

  /** The same ports as before, from the rows (their rules are loaded). One that another program took is told, and lost. */
  async republish(owner: Owner, endpoints: readonly EndpointRecord[]): Promise<PublishedPort[]> {
    const address = targetOf(endpoints);
    const rows = this.#rows.portsOf(owner.id);
    // It left its last network, and the engine ended there.
    if (address === undefined) this.#rows.deletePorts(owner.id);
    if (rows.length === 0 || address === undefined) return [];
    try {
      return await this.#ports.claim(owner, rows.map(wishOf), address);
    } catch (error) {
      log.error("published ports could not be taken up again", { container: owner.name, error });
      return [];
    }
  }

  /**
   * Idempotent. Gives sockets and rules back; the rows are deleted by the caller, with the endpoints'.
   * @returns whether there are any
   */
  release(ownerId: string, endpoints: readonly EndpointRecord[]): boolean {
    const rows = this.#rows.portsOf(ownerId);
    this.#ports.release(ownerId, rows);
    this.#withdraw(rows, endpoints);
    return rows.length > 0;
  }

  /** The listeners only: traffic to containers goes on, by the rules. */
  close(): void {
    this.#ports.close();
  }

  #withdraw(rows: readonly PortRow[], endpoints: readonly EndpointRecord[]): void {
    // Of a table that was gone, all rows are loaded, these too.
    if (this.#rules.change(rows, [], endpoints) === "loaded") this.#rules.change(rows, [], endpoints);
  }

  /** In place of those that were there. */
  #writeRows(owner: Owner, rows: readonly PortRow[]): void {
    this.#rows.transaction(() => {
      this.#rows.deletePorts(owner.id);
      this.#rows.insertPorts(rows);
    });
  }
}

/** Whether ports lead to another endpoint with `after` than with `before`. */
export function leadsElsewhere(before: readonly EndpointRecord[], after: readonly EndpointRecord[]): boolean {
  return carrier(before)?.id !== carrier(after)?.id;
}

/** The endpoint that published ports lead to. */
function carrier(endpoints: readonly EndpointRecord[]): EndpointRecord | undefined {
  return gatewayOf(endpoints) ?? endpoints[0];
}

/** Where the listeners carry what comes to them. */
function targetOf(endpoints: readonly EndpointRecord[]): string | undefined {
  const { ipv4, ipv6 } = carrier(endpoints) ?? {};
  return ipv4 ?? ipv6;
}

function rowOf(container: string, port: PublishedPort): PortRow {
  const { protocol, hostIp, hostPort, containerPort } = port;
  return { container, protocol, host_ip: hostIp, host_port: hostPort, container_port: containerPort };
}

function wishOf(row: PortRow): PortWish {
  const { host_port: port } = row;
  return {
    protocol: row.protocol as Protocol,
    containerPort: row.container_port,
    hostIp: row.host_ip,
    first: port,
    last: port,
  };
}
