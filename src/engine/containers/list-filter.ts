// Which containers `docker ps` shows: every filter of the API, checked before the list is walked.

import type { ContainerListOptions, Filters } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { booleanFilter, checkFilters, matchExact, matchLabels, matchPattern, matchPrefix } from "../filters.ts";
import type { Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import { isActive } from "./machine.ts";

const KEYS = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "isolation",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
];
const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTHS = ["none", "starting", "healthy", "unhealthy"];

export interface ListContext {
  readonly containers: Containers;
  /** With the slash; those that links give it, too. */
  readonly namesOf: (container: Container) => readonly string[];
  /** Ids of the images that an ancestor filter means; none when there is no such image. */
  readonly imagesOf: (ancestor: string) => Promise<ReadonlySet<string>>;
  readonly networksOf: (container: Container) => readonly NetworkName[];
}

export interface NetworkName {
  readonly name: string;
  readonly id: string;
}

/** @throws HoyError "invalid" for unknown keys and values, "not-found" for the container of before or since. */
export async function containerFilter(
  options: Pick<ContainerListOptions, "all" | "limit" | "filters">,
  context: ListContext,
): Promise<(container: Container) => boolean> {
  const { filters } = options;
  checkFilters(filters, KEYS);
  for (const status of filters.get("status") ?? []) {
    if (!STATUSES.includes(status)) invalid("status", status);
  }
  for (const health of filters.get("health") ?? []) {
    if (!HEALTHS.includes(health)) invalid("health", health);
  }
  const exits = exitCodes(filters);
  const before = edge(filters, "before", context.containers);
  const since = edge(filters, "since", context.containers);
  const images = await ancestors(filters, context);
  const task = booleanFilter(filters, "is-task");
  const published = ports(filters, "publish");
  const exposed = ports(filters, "expose");
  const all = options.all || (options.limit ?? 0) > 0 || filters.has("status") || before !== "" || since !== "";
  return (container) =>
    (all || exits !== undefined || isActive(container.state)) &&
    context.namesOf(container).some((name) => matchName(filters.get("name"), name)) &&
    matchPrefix(filters.get("id"), container.id) &&
    matchLabels(filters.get("label"), container.spec.config.Labels ?? {}) &&
    matchExact(filters.get("status"), container.state.status) &&
    matchExact(filters.get("health"), container.state.health?.Status ?? "none") &&
    matchExact(filters.get("isolation"), container.spec.hostConfig.Isolation || "default") &&
    task !== true &&
    (exits === undefined || (!isActive(container.state) && exits.has(container.state.exitCode))) &&
    (before === "" || container.spec.created < before) &&
    (since === "" || container.spec.created > since) &&
    (images === undefined || images.has(container.spec.image.id)) &&
    matchVolume(filters.get("volume"), container) &&
    matchNetwork(filters.get("network"), context.networksOf(container)) &&
    matchPublished(published, container) &&
    matchExposed(exposed, container);
}

/** With the slash and without: `^/web$` and `^web$` mean the same container. */
function matchName(wanted: ReadonlySet<string> | undefined, name: string): boolean {
  return matchPattern(wanted, name) || matchPattern(wanted, name.replace(/^\//, ""));
}

function exitCodes(filters: Filters): ReadonlySet<number> | undefined {
  const values = filters.get("exited");
  if (values === undefined || values.size === 0) return undefined;
  for (const value of values) if (!/^-?\d{1,9}$/.test(value)) invalid("exited", value);
  return new Set([...values].map(Number));
}

/** When the container of `before` or `since` was created; "" without the filter. */
function edge(filters: Filters, key: "before" | "since", containers: Containers): string {
  const [ref] = filters.get(key) ?? [];
  return ref === undefined ? "" : containers.find(ref).spec.created;
}

async function ancestors(filters: Filters, context: ListContext): Promise<ReadonlySet<string> | undefined> {
  const wanted = filters.get("ancestor");
  if (wanted === undefined || wanted.size === 0) return undefined;
  const found = await Promise.all([...wanted].map((ancestor) => context.imagesOf(ancestor)));
  return new Set(found.flatMap((ids) => [...ids]));
}

function matchVolume(wanted: ReadonlySet<string> | undefined, container: Container): boolean {
  if (wanted === undefined || wanted.size === 0) return true;
  const places = container.spec.mounts.flatMap((mount) => [mount.name, mount.destination, mount.source]);
  return places.some((place) => place !== "" && wanted.has(place));
}

/** By name, or by the beginning of an id. */
function matchNetwork(wanted: ReadonlySet<string> | undefined, networks: readonly NetworkName[]): boolean {
  if (wanted === undefined || wanted.size === 0) return true;
  return networks.some(({ name, id }) => wanted.has(name) || matchPrefix(wanted, id));
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

/** "80", "80/udp", "8000-8080/tcp". */
function ports(filters: Filters, key: "publish" | "expose"): readonly PortRange[] | undefined {
  const values = filters.get(key);
  if (values === undefined || values.size === 0) return undefined;
  return [...values].map((text) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text);
    if (match === null) return invalid(key, text);
    return { first: Number(match[1]), last: Number(match[2] ?? match[1]), protocol: match[3] ?? "tcp" };
  });
}

function matchPublished(wanted: readonly PortRange[] | undefined, container: Container): boolean {
  if (wanted === undefined) return true;
  return (container.reservation?.ports ?? []).some(
    (port) => port.PublicPort !== undefined && inRange(wanted, port.PublicPort, port.Type),
  );
}

function matchExposed(wanted: readonly PortRange[] | undefined, container: Container): boolean {
  if (wanted === undefined) return true;
  return Object.keys(container.spec.config.ExposedPorts ?? {}).some((text) => {
    const [port = "", protocol = "tcp"] = text.split("/");
    return inRange(wanted, Number(port), protocol);
  });
}

function inRange(wanted: readonly PortRange[], port: number, protocol: string): boolean {
  return wanted.some((range) => port >= range.first && port <= range.last && protocol === range.protocol);
}

function invalid(key: string, value: string): never {
  throw new HoyError("invalid", `invalid filter '${key}=${value.slice(0, 64)}'`);
}
