// The table of rules (firewall.ts) as it is in the kernel: loaded whole from the rows at the daemon's start and when networks
// change, changed by elements when ports come and go, and loaded again when somebody else has flushed it or has put up a
// firewall beside it.

import { isDeepStrictEqual } from "node:util";
import { log } from "../base/log.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import { step } from "../base/trace.ts";
import { isErrno } from "../linux/libc.ts";
import { Netlink } from "../linux/netlink.ts";
import { Nftables, nft } from "../linux/nftables.ts";
import type { NetworkRows, PortRow } from "../state/networks.ts";
import type { Family } from "./address.ts";
import type { NetworkCatalog } from "./catalog.ts";
import { Elements } from "./elements.ts";
import { endpointOf, gatewayOf } from "./endpoints.ts";
import { type BridgeLink, deleteTable, type FirewallPort, loadTable, type TableName } from "./firewall.ts";
import { findWalls, othersFilter } from "./foreign-rules.ts";
import { findLink } from "./link.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";
import type { Protocol } from "./ports/request.ts";

/** How long another firewall may be on without being seen; a look takes half a millisecond. */
const LOOK_EVERY_MS = 30_000;

export class Rules {
  readonly #rows: NetworkRows;
  readonly #catalog: NetworkCatalog;
  readonly #defaults: NetworkDefaults;
  readonly #table: TableName;
  #nftables: Nftables | undefined;
  #elements: Elements | undefined;
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

  /**
   * The rules of some ports of a container go, those of others come, in one transaction.
   * @returns "loaded": somebody had changed or flushed the table. It is as the rows say now, be that before the change or after it.
   */
  change(
    gone: readonly PortRow[],
    come: readonly PortRow[],
    endpoints: readonly EndpointRecord[],
  ): "changed" | "loaded" {
    const [out, into] = [this.#ports(gone, endpoints), this.#ports(come, endpoints)];
    if (out.length + into.length === 0) return "changed";
    this.#elements ??= new Elements(this.#table);
    try {
      this.#elements.change(out, into);
      return "changed";
    } catch (error) {
      // No table, no element; or one there with another value, of a container whose end was cut short.
      if (!isErrno(error, "ENOENT", "EEXIST", "EBUSY")) throw error;
      log.warn("the rules of published ports were not as the rows have them, and are loaded again", { error });
      this.reload();
      return "loaded";
    }
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
   * A firewall that is switched on later needs to know connections too, and may flush what was there; a bridge may be made
   * anew by hand: the table is loaded again for them.
   */
  watch(): void {
    this.#watch = setInterval(() => this.#recheck(), LOOK_EVERY_MS).unref();
  }

  #recheck(): void {
    if (this.#families.length === 0) return;
    const bridges = this.#bridges();
    const flushed = bridges.length > 0 && !nft("list tables").split("\n").includes(`table ${this.#table}`);
    const moved = !isDeepStrictEqual(findBridges(bridges), this.#links);
    if (flushed || moved || othersFilter() !== this.#tracked) this.reload();
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

  remove(): void {
    this.#run(deleteTable(this.#table));
  }

  close(): void {
    clearInterval(this.#watch);
    this.#nftables?.[Symbol.dispose]();
    this.#nftables = undefined;
    this.#elements?.[Symbol.dispose]();
    this.#elements = undefined;
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

  #run(commands: string): void {
    if (this.#families.length === 0 || commands === "") return;
    // Made when first needed: without rules of ours the host may lack the library.
    this.#nftables ??= new Nftables();
    this.#nftables.run(commands);
  }

  /** Of a family without rules the listeners carry everything. */
  #ports(rows: readonly PortRow[], endpoints: readonly EndpointRecord[]): FirewallPort[] {
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
