// The networks there are: the three that are always there, and the user's. Names, ids and rows; making one checks it,
// chooses its subnets, writes its row and then makes it on the host (row before thing).

import { HoyError } from "../base/error.ts";
import { newId } from "../base/id.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import { step } from "../base/trace.ts";
import { Netlink } from "../linux/netlink.ts";
import type { NetworkRows } from "../state/networks.ts";
import { formatAddress, formatPrefix, type Prefix, parseCidr, parsePrefix } from "./address.ts";
import type { NetworkDriver } from "./driver.ts";
import { checkPool, type PoolConfig } from "./ipam.ts";
import { findLink, listRoutes } from "./link.ts";
import { type ChosenPool, type NetworkRecord, ROUTER } from "./network.ts";
import { type NetworkWish, planNetwork } from "./plan.ts";
import { checkShared, checkUnshared, planShared, withShared } from "./shared-config.ts";

export const PREDEFINED: readonly string[] = ["bridge", "host", "none"];

export class NetworkCatalog {
  readonly #rows: NetworkRows;
  readonly #drivers: ReadonlyMap<string, NetworkDriver>;
  readonly #defaults: NetworkDefaults;
  readonly #records = new Map<string, NetworkRecord>();

  constructor(rows: NetworkRows, drivers: ReadonlyMap<string, NetworkDriver>, defaults: NetworkDefaults) {
    this.#rows = rows;
    this.#drivers = drivers;
    this.#defaults = defaults;
    for (const row of rows.networks()) this.#records.set(row.id, JSON.parse(row.settings) as NetworkRecord);
    this.#ensurePredefined();
  }

  all(): NetworkRecord[] {
    return [...this.#records.values()];
  }

  byId(id: string): NetworkRecord | undefined {
    return this.#records.get(id);
  }

  /** By name, id, or the unique beginning of an id. "default" is the default bridge. @throws "not-found", "invalid". */
  find(ref: string): NetworkRecord {
    const name = ref === "default" || ref === "" ? "bridge" : ref;
    const exact = this.all().find((record) => record.name === name) ?? this.#records.get(name);
    if (exact !== undefined) return exact;
    const [found, ...more] = this.all().filter((record) => record.id.startsWith(name));
    if (found === undefined) throw new HoyError("not-found", `network ${name.slice(0, 200)} not found`);
    if (more.length > 0)
      throw new HoyError("invalid", `network ${name} is ambiguous (${more.length + 1} matches found on id prefix)`);
    return found;
  }

  driverOf(record: NetworkRecord): NetworkDriver | undefined {
    return this.#drivers.get(record.driver);
  }

  /** @throws HoyError as Docker's; nothing is left of a network that can't be made. */
  create(wish: NetworkWish): NetworkRecord {
    checkName(wish.name);
    if (this.all().some((record) => record.name === wish.name)) {
      throw new HoyError("conflict", `network with name ${wish.name} already exists`);
    }
    checkShared(wish);
    checkLocal(wish);
    if (wish.ipamDriver !== "default" && wish.ipamDriver !== "") {
      throw noPlugin(wish.ipamDriver);
    }
    if (wish.configOnly) {
      const shared = planShared(newId(), wish, this.#defaults);
      step("network.row", () => this.#insert(shared));
      return shared;
    }
    if (wish.driver === "host" || wish.driver === "null") {
      throw new HoyError("forbidden", `only one instance of "${wish.driver}" network is allowed`);
    }
    const driver = this.#drivers.get(wish.driver);
    if (driver === undefined) throw noPlugin(wish.driver);
    const planned = this.#plan(newId(), withShared(wish, this.all()));
    driver.check(planned);
    const record = wish.driver === "bridge" && isThere(planned.interface) ? { ...planned, adopted: true } : planned;
    step("network.row", () => this.#insert(record));
    try {
      step("network.ensure", () => driver.ensure(record));
    } catch (error) {
      driver.remove(record);
      this.#forget(record);
      throw error;
    }
    return record;
  }

  /** @throws HoyError "forbidden" for a network that is always there, or that another depends on. */
  checkRemovable(record: NetworkRecord): void {
    checkUnshared(record, this.all());
    if (PREDEFINED.includes(record.name)) {
      throw new HoyError("forbidden", `${record.name} is a pre-defined network and cannot be removed`);
    }
  }

  /** The caller has made sure that no container is on it. */
  remove(record: NetworkRecord): void {
    this.checkRemovable(record);
    step("network.remove", () => this.#drivers.get(record.driver)?.remove(record));
    step("network.forget", () => this.#forget(record));
  }

  /** Makes what is missing on the host, for every network; what fails is told, and does not stop the others. */
  ensureAll(failed: (record: NetworkRecord, error: unknown) => void): void {
    for (const record of this.all()) {
      try {
        this.#drivers.get(record.driver)?.ensure(record);
      } catch (error) {
        failed(record, error);
      }
    }
  }

  #plan(id: string, wish: NetworkWish): NetworkRecord {
    const taken = this.all().flatMap((record) => record.pools.map((pool) => parsePrefix(pool.Subnet)));
    return planNetwork(id, wish, { taken, routes: hostRoutes(), defaults: this.#defaults });
  }

  #ensurePredefined(): void {
    const names = new Set(this.all().map((record) => record.name));
    const plain = {
      internal: false,
      attachable: false,
      enableIPv4: true,
      enableIPv6: false,
      labels: {},
      ipamOptions: {},
      mtu: 0,
    };
    for (const name of ["host", "none"]) {
      if (names.has(name)) continue;
      const driver = name === "none" ? "null" : name;
      const created = new Date().toISOString();
      const rest = { options: {}, pools: [], interface: "", icc: true, masquerade: false, hostBinding: "" };
      this.#insert({ id: newId(), name, driver, created, ...plain, ...rest });
    }
    this.#ensureDefaultBridge();
  }

  /** The default bridge follows the daemon's settings at every start; its id stays. */
  #ensureDefaultBridge(): void {
    const defaults = this.#defaults;
    const before = this.all().find((record) => record.name === "bridge");
    if (defaults.bridge === "none") {
      if (before !== undefined) this.#forget(before);
      return;
    }
    if (before !== undefined) this.#records.delete(before.id);
    const pools = [
      ...defaultPool(defaults.bip, defaults.fixedCidr),
      ...defaultPool(defaults.bip6, defaults.fixedCidr6),
    ];
    const kept =
      (defaults.bip ?? defaults.fixedCidr) === undefined && before !== undefined
        ? before.pools.filter((pool) => parsePrefix(pool.Subnet).family === 4)
        : [];
    const planned = this.#plan(before?.id ?? newId(), {
      name: "bridge",
      driver: "bridge",
      internal: false,
      attachable: false,
      enableIPv4: true,
      enableIPv6: defaults.ipv6,
      options: {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": String(defaults.interContainer),
        "com.docker.network.bridge.enable_ip_masquerade": String(defaults.masquerade),
        "com.docker.network.bridge.host_binding_ipv4": defaults.defaultIp,
        "com.docker.network.bridge.name": defaults.bridge,
        "com.docker.network.driver.mtu": String(defaults.mtu),
      },
      labels: {},
      ipamDriver: "default",
      ipamOptions: {},
      pools: [...kept, ...pools],
      configOnly: false,
      configFrom: "",
      ingress: false,
      scope: "",
    });
    const record = { ...planned, pools: planned.pools.map((pool) => routedPool(pool, defaults)) };
    if (before === undefined) {
      this.#insert(record);
      return;
    }
    const updated = { ...record, created: before.created };
    this.#records.set(record.id, updated);
    this.#rows.updateNetworkSettings(record.id, JSON.stringify(updated));
  }

  #insert(record: NetworkRecord): void {
    const { id, name, driver, created } = record;
    this.#rows.insertNetwork({ id, name, driver, created, settings: JSON.stringify(record) });
    this.#records.set(id, record);
  }

  #forget(record: NetworkRecord): void {
    this.#rows.deleteNetwork(record.id);
    this.#records.delete(record.id);
  }
}

function checkName(name: string): void {
  if (PREDEFINED.includes(name) || name === "default" || name === "container") {
    throw new HoyError("forbidden", `operation is not permitted on predefined ${name} network`);
  }
  // As Docker's: spaces may be within. It names no file and no interface; a colon or slash would not come back from a URL.
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9_. -]{0,253}[a-zA-Z0-9_.-])?$/.test(name)) {
    throw new HoyError(
      "invalid",
      `invalid name: ${JSON.stringify(name.slice(0, 100))}: only "[a-zA-Z0-9][a-zA-Z0-9_. -]" are allowed`,
    );
  }
}

/** Docker looks for a driver that it has not got among its plugins. */
function noPlugin(name: string): HoyError {
  return new HoyError("not-found", `plugin ${JSON.stringify(name.slice(0, 200))} not found`);
}

/** What is of a swarm. @throws HoyError "not-implemented", "invalid". */
function checkLocal({ ingress, scope }: NetworkWish): void {
  if (ingress) {
    throw new HoyError("not-implemented", "--ingress networks belong to swarm mode, which this engine does not have");
  }
  if (scope !== "" && scope !== "local") {
    throw new HoyError("invalid", `the scope of a network is "local" here, not ${JSON.stringify(scope.slice(0, 60))}`);
  }
}

/** The default bridge's addresses: by its own address, or by what containers are to get; else the pools decide. */
function defaultPool(bip: string | undefined, fixedCidr: string | undefined): PoolConfig[] {
  if (bip === undefined && fixedCidr === undefined) return [];
  const range = fixedCidr === undefined ? {} : { IPRange: fixedCidr };
  if (bip === undefined) return [{ Subnet: formatPrefix(parseCidr(fixedCidr ?? "").prefix), ...range }];
  const { prefix, address } = parseCidr(bip);
  return [{ Subnet: formatPrefix(prefix), Gateway: formatAddress(address), ...range }];
}

/** `default-gateway`: containers' packets go to another router than the bridge. As Docker: a reserved address by name. */
function routedPool(pool: ChosenPool, { defaultGateway, defaultGateway6 }: NetworkDefaults): ChosenPool {
  const six = pool.Subnet.includes(":");
  const router = six ? defaultGateway6 : defaultGateway;
  const { [ROUTER[six ? 6 : 4]]: _, ...others } = pool.AuxiliaryAddresses ?? {};
  const AuxiliaryAddresses = { ...others, ...(router === undefined ? {} : { [ROUTER[six ? 6 : 4]]: router }) };
  if (Object.keys(AuxiliaryAddresses).length === 0) {
    const { AuxiliaryAddresses: __, ...plain } = pool;
    return plain;
  }
  checkPool({ ...pool, AuxiliaryAddresses });
  return { ...pool, AuxiliaryAddresses };
}

function isThere(name: string): boolean {
  using socket = new Netlink();
  return findLink(socket, name) !== undefined;
}

function hostRoutes(): Prefix[] {
  using socket = new Netlink();
  return listRoutes(socket);
}
