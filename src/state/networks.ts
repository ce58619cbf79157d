// Rows of networks, of the addresses that containers have on them, and of published ports. The unique indexes are what
// makes "never two owners" true, also for 50 containers that start at once and for a daemon that died in between.

import type { Database } from "bun:sqlite";
import { type Migration, withoutSync } from "./database.ts";

export const networkMigrations: readonly Migration[] = [
  {
    name: "networks, endpoints and published ports",
    sql: `
      CREATE TABLE networks (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        driver TEXT NOT NULL,
        created TEXT NOT NULL,
        settings TEXT NOT NULL
      ) STRICT;
      CREATE TABLE endpoints (
        id TEXT PRIMARY KEY,
        network TEXT NOT NULL REFERENCES networks(id) ON DELETE CASCADE,
        container TEXT NOT NULL,
        ipv4 TEXT,
        ipv6 TEXT,
        mac TEXT NOT NULL,
        host_interface TEXT NOT NULL,
        settings TEXT NOT NULL,
        UNIQUE (network, container),
        UNIQUE (network, ipv4),
        UNIQUE (network, ipv6)
      ) STRICT;
      CREATE INDEX endpoints_container ON endpoints (container);
      CREATE TABLE published_ports (
        container TEXT NOT NULL,
        protocol TEXT NOT NULL,
        host_ip TEXT NOT NULL,
        host_port INTEGER NOT NULL,
        container_port INTEGER NOT NULL,
        PRIMARY KEY (protocol, host_ip, host_port)
      ) STRICT;
      CREATE INDEX published_ports_container ON published_ports (container);
    `,
  },
];

export interface NetworkRow {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly created: string;
  /** JSON; its shape is src/network/network.ts's. */
  readonly settings: string;
}

export interface EndpointRow {
  readonly id: string;
  readonly network: string;
  readonly container: string;
  readonly ipv4: string | null;
  readonly ipv6: string | null;
  readonly mac: string;
  readonly host_interface: string;
  readonly settings: string;
}

export interface PortRow {
  readonly container: string;
  readonly protocol: string;
  readonly host_ip: string;
  readonly host_port: number;
  readonly container_port: number;
}

export class NetworkRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  networks(): NetworkRow[] {
    return this.#db.query<NetworkRow, []>("SELECT * FROM networks ORDER BY created").all();
  }

  insertNetwork(row: NetworkRow): void {
    this.#db
      .query(
        "INSERT INTO networks (id, name, driver, created, settings) VALUES ($id, $name, $driver, $created, $settings)",
      )
      .run({ ...row });
  }

  updateNetworkSettings(id: string, settings: string): void {
    this.#db.query("UPDATE networks SET settings = $settings WHERE id = $id").run({ id, settings });
  }

  deleteNetwork(id: string): void {
    this.#db.query("DELETE FROM networks WHERE id = $id").run({ id });
  }

  endpoints(): EndpointRow[] {
    return this.#db.query<EndpointRow, []>("SELECT * FROM endpoints").all();
  }

  endpointsOf(container: string): EndpointRow[] {
    return this.#db
      .query<EndpointRow, { container: string }>("SELECT * FROM endpoints WHERE container = $container")
      .all({ container });
  }

  endpointsOn(network: string): EndpointRow[] {
    return this.#db
      .query<EndpointRow, { network: string }>("SELECT * FROM endpoints WHERE network = $network")
      .all({ network });
  }

  insertEndpoint(row: EndpointRow): void {
    this.#db
      .query(
        `INSERT INTO endpoints (id, network, container, ipv4, ipv6, mac, host_interface, settings)
         VALUES ($id, $network, $container, $ipv4, $ipv6, $mac, $host_interface, $settings)`,
      )
      .run({ ...row });
  }

  updateEndpointSettings(id: string, settings: string): void {
    this.#db.query("UPDATE endpoints SET settings = $settings WHERE id = $id").run({ id, settings });
  }

  deleteEndpoint(id: string): void {
    withoutSync(this.#db, () => this.#db.query("DELETE FROM endpoints WHERE id = $id").run({ id }));
  }

  ports(): PortRow[] {
    return this.#db.query<PortRow, []>("SELECT * FROM published_ports").all();
  }

  portsOf(container: string): PortRow[] {
    return this.#db
      .query<PortRow, { container: string }>("SELECT * FROM published_ports WHERE container = $container")
      .all({ container });
  }

  insertPorts(rows: readonly PortRow[]): void {
    const insert = this.#db.query(
      `INSERT INTO published_ports (container, protocol, host_ip, host_port, container_port)
       VALUES ($container, $protocol, $host_ip, $host_port, $container_port)`,
    );
    for (const row of rows) insert.run({ ...row });
  }

  deletePorts(container: string): void {
    this.#db.query("DELETE FROM published_ports WHERE container = $container").run({ container });
  }

  /** All that a container has. */
  deleteOf(container: string): void {
    this.#db.query("DELETE FROM endpoints WHERE container = $container").run({ container });
    this.deletePorts(container);
  }

  /**
   * Endpoints and ports: everything in `work` becomes visible at once, and no disk is waited for. They are of containers
   * that run, which a power cut ends too; the next engine drops the rows that it kept of any other.
   */
  transaction<T>(work: () => T): T {
    return withoutSync(this.#db, () => this.#db.transaction(work)());
  }
}
