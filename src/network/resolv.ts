// The text of a container's /etc/resolv.conf, from the host's own and --dns, --dns-search, --dns-option. resolv.conf(5).

import { readFileSync } from "node:fs";
import type { HostConfig } from "../api/types/container.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import { isErrno } from "../linux/libc.ts";
import { DNS_ADDRESS } from "./dns/server.ts";

export interface Resolv {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** glibc reads three; musl three; the rest is noise. */
const MAX_SERVERS = 3;

/** What the host resolves by. On hosts with systemd-resolved the stub on loopback is of no use to others: its upstreams. */
export function hostResolv(): Resolv {
  const first = parseResolv(readText("/etc/resolv.conf"));
  const usable = first.servers.filter((server) => !isLoopback(server));
  if (usable.length > 0) return { ...first, servers: usable };
  const behind = parseResolv(readText("/run/systemd/resolve/resolv.conf"));
  return { ...first, servers: behind.servers.filter((server) => !isLoopback(server)) };
}

/** The container's choice, else the daemon's, else the host's: each part on its own, as Docker. */
export function containerResolv(
  config: Pick<HostConfig, "Dns" | "DnsSearch" | "DnsOptions">,
  defaults: NetworkDefaults,
): Resolv {
  const host = hostResolv();
  const search = firstGiven(config.DnsSearch, defaults.dnsSearch, host.search);
  return {
    servers: firstGiven(config.Dns, defaults.dns, host.servers),
    search: search.length === 1 && search[0] === "." ? [] : search,
    options: firstGiven(config.DnsOptions, defaults.dnsOptions, host.options),
  };
}

/** `embedded`: the engine's name server stands in front of the others. */
export function formatResolv(resolv: Resolv, embedded: boolean): string {
  const servers = embedded ? [DNS_ADDRESS] : resolv.servers.slice(0, MAX_SERVERS);
  const options =
    embedded && !resolv.options.some((option) => option.startsWith("ndots:"))
      ? [...resolv.options, "ndots:0"]
      : resolv.options;
  return [
    "# Written by hoy at every start of the container; changes inside it are lost with the next one.",
    ...servers.map((server) => `nameserver ${server}`),
    ...(resolv.search.length > 0 ? [`search ${resolv.search.join(" ")}`] : []),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    "",
  ].join("\n");
}

export function parseResolv(text: string): Resolv {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const all = (key: string) => lines.filter(([word]) => word === key).flatMap(([, ...rest]) => rest);
  const last = lines.findLast(([word]) => word === "search" || word === "domain") ?? [];
  return { servers: all("nameserver"), search: last.slice(1), options: all("options") };
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function firstGiven(...lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return lists.find((list) => list !== undefined && list.length > 0) ?? [];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return "";
    throw error;
  }
}
