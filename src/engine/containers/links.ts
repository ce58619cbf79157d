// Legacy links (`--link NAME:ALIAS`) on the default bridge: checked at create, told to the container in its environment
// at start (moby, daemon/links), taken away by `rm --link`. Lines in /etc/hosts, and links on networks of the user's own,
// which are only names, are networking's.

import type { HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { followedLink } from "../../network/endpoints.ts";
import type { ContainerSpec } from "../../state/containers.ts";
import type { Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import { isActive } from "./machine.ts";

interface Link {
  /** The other container's name or id. */
  readonly target: string;
  readonly alias: string;
}

/** @throws HoyError "invalid" for one that can't be read, names no container, or one with the host's network. */
export function checkLinks(host: HostConfig, containers: Containers): void {
  for (const { target } of linksOf(host)) {
    const other = containers.tryFind(target);
    if (other === undefined) {
      // Not "not-found": on create, clients take that for a missing image.
      throw new HoyError("invalid", `could not get container for ${target}: No such container: ${target}`);
    }
    if (other.spec.hostConfig.NetworkMode === "host") {
      throw new HoyError(
        "invalid",
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
      );
    }
  }
}

/** What the container is told of those it is linked to. @throws HoyError "conflict" when one of them does not run. */
export function linkEnvironment(spec: ContainerSpec, containers: Containers): string[] {
  return linksOf(spec.hostConfig).flatMap(({ target, alias }) => {
    const other = containers.tryFind(target);
    const path = `/${spec.name}/${alias}`;
    if (other === undefined || !isActive(other.state)) {
      throw new HoyError("conflict", `Cannot link to a non running container: /${other?.name ?? target} AS ${path}`);
    }
    const address = other.reservation?.settings.Networks?.bridge?.IPAddress;
    if (!address) throw new HoyError("conflict", `container ${other.id} not attached to default bridge network`);
    const prefix = prefixOf(alias);
    return [...portsTold(prefix, address, other), `${prefix}_NAME=${path}`, ...environmentTold(prefix, other)];
  });
}

/** Of an environment that the container was started with, what its links gave: further processes get the same. */
export function linkVariables(spec: ContainerSpec, started: readonly string[]): string[] {
  const prefixes = linksOf(spec.hostConfig).map(({ alias }) => `${prefixOf(alias)}_`);
  return started.filter((entry) => prefixes.some((prefix) => entry.startsWith(prefix)));
}

/**
 * Links to `old` become links to `name`, under the alias that they have.
 * @returns undefined when there are none; else whose they are, and how to take it back.
 */
export function followLinks(
  spec: ContainerSpec,
  old: string,
  name: string,
): { readonly id: string; readonly undo: () => void } | undefined {
  const { hostConfig, endpoints } = spec;
  const follow = (links: readonly string[]) => links.map((link) => followedLink(link, old, name));
  const Links = follow(hostConfig.Links ?? []);
  const followed = Object.fromEntries(
    Object.entries(endpoints).map(([network, settings]) => [
      network,
      settings.Links ? { ...settings, Links: follow(settings.Links) } : settings,
    ]),
  );
  const changed =
    Links.some((link, index) => link !== hostConfig.Links?.[index]) ||
    Object.entries(followed).some(([network, { Links: links }]) =>
      links?.some((link, index) => link !== endpoints[network]?.Links?.[index]),
    );
  if (!changed) return undefined;
  spec.hostConfig = { ...hostConfig, Links };
  spec.endpoints = followed;
  return { id: spec.id, undo: () => Object.assign(spec, { hostConfig, endpoints }) };
}

/** "PARENT/ALIAS", with or without a slash before it: the container that the parent has a link to under that alias. */
export function linkedBy(containers: Containers, path: string): Container | undefined {
  const [name = "", alias, ...more] = path.replace(/^\//, "").split("/");
  if (name === "" || alias === undefined || more.length > 0) return undefined;
  const link = linksOf(containers.tryFind(name)?.spec.hostConfig ?? {}).find((one) => one.alias === alias);
  // A target with a slash would be looked up here again, perhaps for ever.
  return link === undefined || link.target.includes("/") ? undefined : containers.tryFind(link.target);
}

/** All names of every container by its id: its own and those that links give it, sorted, as `docker ps` shows them. */
export function allNames(containers: Containers): ReadonlyMap<string, readonly string[]> {
  const names = new Map(containers.all().map(({ id, name }) => [id, [`/${name}`]]));
  for (const { spec } of containers.all()) {
    for (const { target, alias } of linksOf(spec.hostConfig)) {
      const other = containers.tryFind(target);
      if (other !== undefined) names.get(other.id)?.push(`/${spec.name}/${alias}`);
    }
  }
  for (const list of names.values()) list.sort();
  return names;
}

/** As inspect shows them: "/other:/this/alias". */
export function shownLinks(spec: ContainerSpec, containers: Containers): string[] {
  return linksOf(spec.hostConfig).map(
    ({ target, alias }) => `/${containers.tryFind(target)?.name ?? target}:/${spec.name}/${alias}`,
  );
}

/**
 * `rm --link PARENT/ALIAS`: the parent no longer has the link when it starts again; both containers stay.
 * @throws HoyError "not-found", "conflict" for a name that is a container's own.
 */
export function removeLink(containers: Containers, path: string): Promise<void> {
  const [name = "", alias, ...more] = path.replace(/^\//, "").split("/");
  if (alias === undefined) {
    containers.find(name);
    throw new HoyError("conflict", "Conflict, cannot remove the default link name of the container");
  }
  const parent = more.length > 0 ? undefined : containers.tryFind(name);
  if (parent === undefined) throw new HoyError("not-found", `No such container: ${path}`);
  return parent.lock.run(async () => {
    const { hostConfig } = parent.spec;
    const before = hostConfig.Links ?? [];
    const Links = before.filter((link) => parseLink(link).alias !== alias);
    if (Links.length === before.length) throw new HoyError("not-found", `No such container: ${path}`);
    parent.spec.hostConfig = { ...hostConfig, Links };
    try {
      containers.save(parent);
    } catch (error) {
      parent.spec.hostConfig = hostConfig;
      throw error;
    }
  });
}

function linksOf({ NetworkMode, Links }: HostConfig): Link[] {
  const isDefaultBridge = NetworkMode === undefined || ["", "default", "bridge"].includes(NetworkMode);
  return isDefaultBridge ? (Links ?? []).map(parseLink) : [];
}

/** "name", "name:alias", and what inspect shows: "/name:/parent/alias". */
function parseLink(text: string): Link {
  if (text === "") throw new HoyError("invalid", "empty string specified for links");
  const [target = "", alias = target, ...more] = text.split(":");
  if (more.length > 0) throw new HoyError("invalid", `bad format for links: ${text.slice(0, 200)}`);
  return { target: target.replace(/^\//, ""), alias: alias.split("/").at(-1) ?? "" };
}

function prefixOf(alias: string): string {
  return alias.toUpperCase().replaceAll("-", "_");
}

function portsTold(prefix: string, address: string, other: Container): string[] {
  const ports = Object.keys(other.spec.config.ExposedPorts ?? {})
    .map((key) => {
      const [port = "", protocol = "tcp"] = key.split("/");
      return { port, protocol };
    })
    .sort((a, b) => Number(a.port) - Number(b.port) || (a.protocol < b.protocol ? -1 : 1));
  const url = ({ port, protocol }: { port: string; protocol: string }) => `${protocol}://${address}:${port}`;
  const [first] = ports;
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
    ...ports.flatMap((each) => {
      const key = `${prefix}_PORT_${each.port}_${each.protocol.toUpperCase()}`;
      return [
        `${key}=${url(each)}`,
        `${key}_ADDR=${address}`,
        `${key}_PORT=${each.port}`,
        `${key}_PROTO=${each.protocol}`,
      ];
    }),
  ];
}

/** All of the other's environment but what every image sets. */
function environmentTold(prefix: string, other: Container): string[] {
  return (other.spec.config.Env ?? [])
    .filter((entry) => entry.includes("=") && !/^(?:HOME|PATH)=/.test(entry))
    .map((entry) => `${prefix}_ENV_${entry}`);
}
