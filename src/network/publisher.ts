// Published ports of running containers: host ports claimed, rows written, rules set; and the whole firewall table.
// Order for a crash: claim (a socket, gone with us) → row → rule. A next daemon loads the rules from the rows.

import { isDeepStrictEqual } from "node:util";
import { log } from "../base/log.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import { span, step } from "../base/trace.ts";
import { Netlink } from "../linux/netlink.ts";
import { Nftables } from "../linux/nftables.ts";
import type { NetworkRows, PortRow } from "../state/networks.ts";
import type { Family } from "./address.ts";
import type { NetworkCatalog } from "./catalog.ts";
import { endpointOf, gatewayOf } from "./endpoints.ts";
import {
  addPorts,
  type BridgeLink,
  deleteTable,
  type FirewallPort,
  loadTable,
  removePorts,
  type TableName,
} from "./firewall.ts";
import { findWalls, othersFilter } from "./foreign-rules.ts";
import { findLink } from "./link.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";
import { comparePorts } from "./ports/compare.ts";
import { HostPorts, type PublishedPort } from "./ports/host-ports.ts";
import type { PortWish, Protocol } from "./ports/request.ts";

/** How long another firewall may be on without being seen; a look takes a third of a millisecond. */
const LOOK_EVERY_MS = 30_000;

interface Owner {
  readonly id: string;
  readonly name: string;
}

export class Publisher {
  readonly #rows: NetworkRows;
  readonly #catalog: NetworkCatalog;
  readonly #defaults: NetworkDefaults;
  readonly #table: TableName;
  readonly #ports = new HostPorts();
  #nftables: Nftables | undefined;
  /** As the table was loaded: see `loadTable`. */
  #tracked = false;
  #links: ReadonlyMap<string, BridgeLink> = new Map();
  #watch: NodeJS.Timeout | undefined;

  constructor(rows: NetworkRows, catalog: NetworkCatalog, defaults: NetworkDefaults, table: TableName) {
    this.#table = table;
    this.#rows = rows;
    this.#catalog = catalog;
    this.#defaults = defaults;
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
    step("ports.rules", () => this.#run(addPorts(this.#table, this.#firewallPorts(rows, endpoints))));
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
    step("ports.rows", () =>
      this.#writeRows(
        owner,
        now.map((port) => rowOf(owner.id, port)),
      ),
    );
    const rules = (ports: readonly PublishedPort[]) =>
      this.#firewallPorts(
        ports.map((port) => rowOf(owner.id, port)),
        endpoints,
      );
    // Those that stay are said again: two of them may share an element with one that goes. One transaction.
    const commands = [removePorts(this.#table, rules(gone)), addPorts(this.#table, rules(now))];
    step("ports.rules", () => this.#run(commands.filter((text) => text !== "").join("\n")));
    this.#ports.releaseSome(owner.id, gone);
    return now;
  }

  /** The same ports as before, from the rows (their rules are loaded). One that another program took is told, and lost. */
  async republish(owner: Owner, endpoints: readonly EndpointRecord[]): Promise<PublishedPort[]> {
    const address = targetOf(endpoints);
    const rows = this.#rows.portsOf(owner.id);
    if (rows.length === 0 || address === undefined) return [];
    try {
      return await this.#ports.claim(owner, rows.map(wishOf), address);
    } catch (error) {
      log.error("published ports could not be taken up again", { container: owner.name, error });
      return [];
    }
  }

  /** Idempotent. Gives sockets and rules back; the rows are deleted by the caller, with the endpoints'. */
  release(ownerId: string, endpoints: readonly EndpointRecord[]): void {
    const rows = this.#rows.portsOf(ownerId);
    this.#ports.release(ownerId, rows);
    if (rows.length > 0) this.#run(removePorts(this.#table, this.#firewallPorts(rows, endpoints)));
  }

  /** The listeners only: traffic to containers goes on, by the rules. */
  close(): void {
    this.#ports.close();
    clearInterval(this.#watch);
    this.#nftables?.[Symbol.dispose]();
    this.#nftables = undefined;
  }

  /** Writes the whole table again, from the rows: at the start of the daemon, and when networks change. */
  reload(): void {
    const bridges = this.#bridges();
    // Without a bridge there is nothing to rule, and a host that wants none of it keeps none of it.
    if (bridges.length === 0) {
      step("rules.load", () => this.#run(deleteTable(this.#table)));
      return;
    }
    this.#links = findBridges(bridges);
    const networks = bridges.map((network) => ({
      bridge: network.interface,
      link: this.#links.get(network.interface),
      subnets: network.pools.map(({ Subnet: cidr }) => ({
        family: cidr.includes(":") ? (6 as const) : (4 as const),
        cidr,
      })),
      masquerade: network.masquerade,
      internal: network.internal,
    }));
    const screened = this.#defaults.publishPolicy === "firewall";
    const tracked = this.#families.length > 0 && othersFilter();
    this.#tracked = tracked;
    step("rules.load", () =>
      this.#run(
        loadTable(this.#table, networks, this.#allPorts(), {
          screened,
          families: this.#families,
          tracked,
        }),
      ),
    );
  }

  /**
   * A firewall that is switched on later needs to know connections too, and a bridge may be made anew by hand: the table is
   * loaded again for them.
   */
  watch(): void {
    this.#watch = setInterval(() => this.#recheck(), LOOK_EVERY_MS).unref();
  }

  #recheck(): void {
    if (this.#families.length === 0) return;
    if (othersFilter() !== this.#tracked || !isDeepStrictEqual(findBridges(this.#bridges()), this.#links))
      this.reload();
  }

  #bridges(): NetworkRecord[] {
    return this.#catalog.all().filter((network) => network.driver === "bridge");
  }

  /** What other programs' rules keep from the bridges; looked up anew at each call. */
  obstacles(): string[] {
    if (this.#families.length === 0) return [];
    this.#recheck();
    const bridges = this.#bridges().filter((network) => !network.internal);
    try {
      return findWalls(bridges.map((network) => network.interface)).map(
        ({ chain, command }) =>
          `another firewall's chain (${chain}) drops what containers send and receive through the host; to open it: ${command}`,
      );
    } catch (error) {
      return [`other firewalls' rules could not be read: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  removeTable(): void {
    this.#run(deleteTable(this.#table));
  }

  #allPorts(): FirewallPort[] {
    const byContainer = Map.groupBy(this.#rows.ports(), (row) => row.container);
    return [...byContainer].flatMap(([container, rows]) => {
      const endpoints = this.#rows.endpointsOf(container).flatMap((row) => {
        const network = this.#catalog.byId(row.network);
        return network === undefined ? [] : [endpointOf(row, network)];
      });
      return firewallPorts(rows, endpoints);
    });
  }

  /** In place of those that were there. */
  #writeRows(owner: Owner, rows: readonly PortRow[]): void {
    this.#rows.transaction(() => {
      this.#rows.deletePorts(owner.id);
      this.#rows.insertPorts(rows);
    });
  }

  #run(commands: string): void {
    if (this.#families.length === 0 || commands === "") return;
    // Made when first needed: without rules of ours the host may lack the library.
    this.#nftables ??= new Nftables();
    this.#nftables.run(commands);
  }

  /** Of a family without rules the listeners carry everything. */
  #firewallPorts(rows: readonly PortRow[], endpoints: readonly EndpointRecord[]): FirewallPort[] {
    return firewallPorts(rows, endpoints).filter(({ family }) => this.#families.includes(family));
  }

  get #families(): readonly Family[] {
    const { firewall, firewall6 } = this.#defaults;
    return [...(firewall ? [4 as const] : []), ...(firewall6 ? [6 as const] : [])];
  }
}

/** Those that are there, by name. The address of a bridge that others made may follow its ports: the kernel chose it. */
function findBridges(networks: readonly NetworkRecord[]): Map<string, BridgeLink> {
  using socket = new Netlink();
  const found = networks.flatMap(({ name, interface: device, adopted = name === "bridge" && device !== "hoy0" }) => {
    const link = findLink(socket, device);
    return link === undefined ? [] : [[device, { index: link.index, mac: adopted ? undefined : link.mac }] as const];
  });
  return new Map(found);
}

function firewallPorts(rows: readonly PortRow[], endpoints: readonly EndpointRecord[]): FirewallPort[] {
  const gateway = gatewayOf(endpoints) ?? endpoints[0];
  return rows.flatMap((row): FirewallPort[] => {
    const family = row.host_ip.includes(":") ? 6 : 4;
    const containerIp = family === 4 ? gateway?.ipv4 : gateway?.ipv6;
    if (containerIp === undefined) return [];
    const hostIp = row.host_ip === "0.0.0.0" || row.host_ip === "::" ? undefined : row.host_ip;
    const { host_port: hostPort, container_port: containerPort } = row;
    return [{ protocol: row.protocol as Protocol, hostPort, containerPort, family, hostIp, containerIp }];
  });
}

/** Where the listeners carry what comes to them. */
function targetOf(endpoints: readonly EndpointRecord[]): string | undefined {
  const gateway = gatewayOf(endpoints) ?? endpoints[0];
  return gateway?.ipv4 ?? gateway?.ipv6;
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
