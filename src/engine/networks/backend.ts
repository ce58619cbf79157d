// The networks' verbs behind the API: list, inspect, create, remove, connect, disconnect, prune. What a network is on
// the host is src/network's; here are the API's words, events, and the containers that are on them.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { Filters, NetworkBackend, NetworkCreateRequest } from "../../api/backend.ts";
import type { EndpointSettings, NetworkCreateResponse } from "../../api/types/network.ts";
import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import { PREDEFINED } from "../../network/catalog.ts";
import type { NetworkRequest } from "../../network/contract.ts";
import type { Networks } from "../../network/manager.ts";
import type { NetworkRecord } from "../../network/network.ts";
import { checkUsable } from "../../network/shared-config.ts";
import type { Container } from "../containers/container.ts";
import { isActive } from "../containers/machine.ts";
import { networkRequest } from "../containers/network-request.ts";
import type { EngineContext } from "../context.ts";
import { checkFilters, matchLabelFilters, untilFilter } from "../filters.ts";
import { describeNetwork } from "./describe.ts";
import { matchesNetwork, NETWORK_FILTERS } from "./filters.ts";

export function createNetworkBackend(engine: EngineContext, networks: Networks): NetworkBackend {
  const used = (network: NetworkRecord) =>
    engine.containers.all().some((container) => refersTo(networks, container, network));
  return {
    async list(filters) {
      checkFilters(filters, NETWORK_FILTERS);
      const wanted = networks.catalog.all().filter((network) => matchesNetwork(filters, network, () => used(network)));
      return wanted.map((network) => describeNetwork(network, []));
    },
    async inspect(ref, options) {
      if (options.scope && options.scope !== "local") throw new HoyError("not-found", `network ${ref} not found`);
      const network = networks.catalog.find(ref);
      return describeNetwork(network, networks.members(network.id));
    },
    async create(request) {
      return create(engine, networks, request);
    },
    async remove(ref) {
      const network = networks.catalog.find(ref);
      networks.catalog.checkRemovable(network);
      const [member] = networks.members(network.id);
      if (member !== undefined) {
        const holder = engine.containers.byId(member.request.containerId)?.name ?? member.request.containerId;
        throw new HoyError(
          "forbidden",
          `error while removing network: network ${network.name} has active endpoints (name:"${holder}")`,
        );
      }
      remove(engine, networks, network);
    },
    async connect(ref, containerRef, endpoint) {
      await connect(engine, networks, networks.catalog.find(ref), engine.containers.find(containerRef), endpoint);
    },
    async disconnect(ref, containerRef, force) {
      const network = networks.catalog.find(ref);
      const container = engine.containers.tryFind(containerRef);
      if (container === undefined && !force) throw new HoyError("not-found", `No such container: ${containerRef}`);
      if (container !== undefined) await disconnect(engine, networks, network, container);
    },
    async prune(filters) {
      checkFilters(filters, ["label", "label!", "until"]);
      return prune(engine, networks, filters, used);
    },
  };
}

function create(engine: EngineContext, networks: Networks, request: NetworkCreateRequest): NetworkCreateResponse {
  const network = networks.catalog.create({
    name: request.Name ?? "",
    driver: request.Driver || "bridge",
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    enableIPv4: request.EnableIPv4 ?? true,
    enableIPv6: request.EnableIPv6 ?? false,
    options: request.Options ?? {},
    labels: request.Labels ?? {},
    ipamDriver: request.IPAM?.Driver ?? "default",
    ipamOptions: request.IPAM?.Options ?? {},
    pools: request.IPAM?.Config ?? [],
    configOnly: request.ConfigOnly ?? false,
    configFrom: request.ConfigFrom?.Network ?? "",
    ingress: request.Ingress ?? false,
    scope: request.Scope ?? "",
  });
  networks.reloadFirewall();
  emit(engine, "create", network);
  return { Id: network.id, Warning: "" };
}

function remove(engine: EngineContext, networks: Networks, network: NetworkRecord): void {
  networks.catalog.remove(network);
  networks.reloadFirewall();
  emit(engine, "destroy", network);
}

function connect(
  engine: EngineContext,
  networks: Networks,
  network: NetworkRecord,
  container: Container,
  endpoint: EndpointSettings,
): Promise<void> {
  return container.lock.run(async () => {
    checkUsable(network);
    const mode = container.spec.hostConfig.NetworkMode ?? "default";
    if (mode === "host" || network.driver === "host") {
      throw new HoyError(
        "forbidden",
        "cannot connect container to host network - container must be created in host network mode",
      );
    }
    if (mode.startsWith("container:") || network.driver === "null") {
      throw new HoyError(
        "forbidden",
        `cannot connect container to network ${network.name}: its network mode is ${mode}`,
      );
    }
    if (isActive(container.state)) {
      const path = `/proc/${container.state.pid}/ns/net`;
      await withResolvConf(networks, container, (request) => networks.join(request, network.id, endpoint, path));
    }
    // "none" is not on any network: its first one takes the place of none.
    if (mode === "none") container.spec.hostConfig = { ...container.spec.hostConfig, NetworkMode: network.name };
    container.spec.endpoints = { ...container.spec.endpoints, [network.name]: endpoint };
    engine.containers.save(container);
    refresh(networks, container);
    emit(engine, "connect", network, container);
  });
}

function disconnect(
  engine: EngineContext,
  networks: Networks,
  network: NetworkRecord,
  container: Container,
): Promise<void> {
  return container.lock.run(async () => {
    if (!refersTo(networks, container, network)) {
      throw new HoyError("forbidden", `container ${container.id} is not connected to network ${network.name}`);
    }
    if (container.spec.hostConfig.NetworkMode === "host") {
      throw new HoyError(
        "forbidden",
        "container cannot be disconnected from host network or connected to host network",
      );
    }
    const kept = Object.entries(container.spec.endpoints).filter(
      ([name]) => networks.catalog.find(name).id !== network.id,
    );
    const before = { endpoints: container.spec.endpoints, hostConfig: container.spec.hostConfig };
    const mode = container.spec.hostConfig.NetworkMode ?? "default";
    container.spec.endpoints = Object.fromEntries(kept);
    if (networks.catalog.find(mode).id === network.id) {
      container.spec.hostConfig = { ...container.spec.hostConfig, NetworkMode: kept[0]?.[0] ?? "none" };
    }
    // What is on record first: a next engine takes it off the network, should this one not come to it.
    engine.containers.save(container);
    try {
      if (isActive(container.state)) {
        await withResolvConf(networks, container, () => networks.leave(container.id, network.id));
      }
    } catch (error) {
      Object.assign(container.spec, before);
      engine.containers.save(container);
      throw error;
    }
    refresh(networks, container);
    emit(engine, "disconnect", network, container);
  });
}

/** Whether the container is on the network or would be at its next start. */
function refersTo(networks: Networks, container: Container, network: NetworkRecord): boolean {
  if (networks.liveOf(container.id)?.endpoints.some((endpoint) => endpoint.network.id === network.id)) return true;
  const names = [container.spec.hostConfig.NetworkMode ?? "default", ...Object.keys(container.spec.endpoints)];
  return names.some(
    (name) => name === network.name || name === network.id || (name === "default" && network.name === "bridge"),
  );
}

async function prune(
  engine: EngineContext,
  networks: Networks,
  filters: Filters,
  used: (network: NetworkRecord) => boolean,
): Promise<{ deleted: string[] }> {
  const until = untilFilter(filters);
  const old = (network: NetworkRecord) =>
    until === undefined || BigInt(Date.parse(network.created)) * 1_000_000n < until;
  const unused = networks.catalog
    .all()
    .filter(
      (network) =>
        !PREDEFINED.includes(network.name) &&
        network.shares === undefined &&
        old(network) &&
        matchLabelFilters(filters, network.labels) &&
        !used(network),
    );
  const deleted: string[] = [];
  for (const network of unused) {
    try {
      remove(engine, networks, network);
      deleted.push(network.name);
    } catch (error) {
      log.warn("a network could not be pruned", { network: network.name, error });
    }
  }
  engine.events.emit("network", "prune", "", { reclaimed: "0" });
  return { deleted };
}

/** Joins or leaves a network as `change` does; a running container's /etc/resolv.conf follows. */
async function withResolvConf(
  networks: Networks,
  container: Container,
  change: (request: NetworkRequest) => Promise<void>,
): Promise<void> {
  const request = networkRequest(container.spec);
  const before = networks.resolvConf(request);
  await change(request);
  updateResolvConf(container, before, networks.resolvConf(request));
}

/**
 * The first network with names of its own brings the engine's name server, and the last takes it along. The file is mounted into the container: it
 * is written in place, and left alone where the container has changed it.
 */
function updateResolvConf(container: Container, before: string, after: string): void {
  if (before === after) return;
  const path = container.paths.resolvConf;
  // The container may have made it as large as its disk.
  if (statSync(path).size !== Buffer.byteLength(before)) return;
  if (readFileSync(path, "utf8") === before) writeFileSync(path, after);
}

/** What inspect shows of a running container's networks changes with them. */
function refresh(networks: Networks, container: Container): void {
  if (container.reservation === undefined) return;
  container.reservation = { ...container.reservation, settings: networks.describe(networkRequest(container.spec)) };
}

function emit(engine: EngineContext, action: string, network: NetworkRecord, container?: Container): void {
  const attributes = {
    name: network.name,
    type: network.driver,
    ...(container === undefined ? {} : { container: container.id }),
  };
  engine.events.emit("network", action, network.id, attributes);
}
