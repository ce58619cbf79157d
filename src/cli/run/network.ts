// --network and the flags that go with it (--ip, --network-alias, --link …), as endpoints of the new container.

import type { EndpointSettings } from "../../api/types/network.ts";
import { parseCsvRecord } from "../base/csv.ts";
import { UsageError } from "../base/errors.ts";
import { isIP } from "../base/ip.ts";
import { parseInteger, quote } from "../base/numbers.ts";
import { cut } from "../base/text.ts";

/** One --network, as written. */
export interface Attachment {
  readonly target: string;
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly linkLocal: readonly string[];
  readonly mac: string;
  readonly gatewayPriority: number;
}

type Draft = { -readonly [K in keyof Attachment]: Attachment[K] };

const draft = (target: string): Draft => ({
  target,
  aliases: [],
  links: [],
  driverOptions: {},
  ipv4: "",
  ipv6: "",
  linkLocal: [],
  mac: "",
  gatewayPriority: 0,
});

/** "bridge", or "name=net,alias=a,ip=1.2.3.4". @throws UsageError */
export function parseAttachment(text: string): Attachment {
  if (!/\w+=\w+(,\w+=\w+)*/.test(text)) return draft(text);
  const attachment = draft("");
  for (const field of parseCsvRecord(text)) {
    const [rawKey, rawValue] = cut(field.toLowerCase(), "=");
    if (!field.includes("=") || rawKey === "") throw new UsageError(`invalid field ${field}`);
    setField(attachment, rawKey.trim(), rawValue.trim());
  }
  if (attachment.target === "") throw new UsageError("network name/id is not specified");
  return attachment;
}

function setField(attachment: Draft, key: string, value: string): void {
  switch (key) {
    case "name":
      attachment.target = value;
      return;
    case "alias":
      attachment.aliases = [...attachment.aliases, value];
      return;
    case "ip":
      attachment.ipv4 = value;
      return;
    case "ip6":
      attachment.ipv6 = value;
      return;
    case "mac-address":
      attachment.mac = value;
      return;
    case "link-local-ip":
      attachment.linkLocal = [...attachment.linkLocal, value];
      return;
    case "driver-opt": {
      const [name, setting] = cut(value, "=");
      if (!value.includes("=") || name === "") throw new UsageError("invalid key value pair format in driver options");
      attachment.driverOptions = { ...attachment.driverOptions, [name.trim()]: setting.trim() };
      return;
    }
    case "gw-priority":
      attachment.gatewayPriority = gatewayPriority(value);
      return;
    default:
      throw new UsageError(`invalid field key ${key}`);
  }
}

function gatewayPriority(value: string): number {
  try {
    return parseInteger(value, { base: 10 });
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    throw new UsageError(`invalid gw-priority (${value}): ${thrown.message.replace(/^.*: /, "")}`);
  }
}

/** The flags of old, which belong to the first network. */
export interface EndpointFlags {
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly linkLocal: readonly string[];
  readonly ipv4: string;
  readonly ipv6: string;
  readonly mac: string;
}

/** @throws UsageError on conflicts, in docker's words. */
export function endpointsOf(
  attachments: readonly Attachment[],
  flags: EndpointFlags,
): Record<string, EndpointSettings> {
  if (attachments.length === 0) return { default: settingsOf(withFlags(draft("default"), flags)) };
  const endpoints: Record<string, EndpointSettings> = {};
  attachments.forEach((written, index) => {
    const attachment = index === 0 ? withFlags(written, flags) : written;
    const settings = settingsOf(attachment);
    if (Object.hasOwn(endpoints, attachment.target))
      throw new UsageError(`network ${quote(attachment.target)} is specified multiple times`);
    // A lone network without options is said by NetworkMode alone, as older engines want it.
    if (attachments.length === 1 && isPlain(written, attachment)) return;
    endpoints[attachment.target] = settings;
  });
  const kinds = new Set(attachments.map((attachment) => isUserDefined(attachment.target)));
  if (kinds.size > 1)
    throw new UsageError("conflicting options: cannot attach both user-defined and non-user-defined network-modes");
  return endpoints;
}

function withFlags(attachment: Attachment, flags: EndpointFlags): Attachment {
  const both = (left: { length: number }, right: { length: number }, names: string) => {
    if (left.length > 0 && right.length > 0) throw new UsageError(`conflicting options: cannot specify both ${names}`);
  };
  both(attachment.aliases, flags.aliases, "--network-alias and per-network alias");
  both(attachment.links, flags.links, "--link and per-network links");
  both(attachment.ipv4, flags.ipv4, "--ip and per-network IPv4 address");
  both(attachment.ipv6, flags.ipv6, "--ip6 and per-network IPv6 address");
  both(attachment.mac, flags.mac, "--mac-address and per-network MAC address");
  both(attachment.linkLocal, flags.linkLocal, "--link-local-ip and per-network link-local IP addresses");
  return {
    ...attachment,
    aliases: flags.aliases.length > 0 ? flags.aliases : attachment.aliases,
    // On the default bridge a link is the container's (HostConfig.Links), elsewhere the endpoint's.
    links: flags.links.length > 0 && isUserDefined(attachment.target) ? flags.links : attachment.links,
    ipv4: flags.ipv4 === "" ? attachment.ipv4 : flags.ipv4,
    ipv6: flags.ipv6 === "" ? attachment.ipv6 : flags.ipv6,
    mac: flags.mac === "" ? attachment.mac : flags.mac,
    linkLocal: flags.linkLocal.length > 0 ? flags.linkLocal : attachment.linkLocal,
  };
}

function settingsOf(attachment: Attachment): EndpointSettings {
  if (attachment.target.trim() === "") throw new UsageError("no name set for network");
  if (!isUserDefined(attachment.target)) {
    if (attachment.aliases.length > 0)
      throw new UsageError("network-scoped aliases are only supported for user-defined networks");
    if (attachment.links.length > 0) throw new UsageError("links are only supported for user-defined networks");
  }
  const settings: EndpointSettings = {};
  if (attachment.aliases.length > 0) settings.Aliases = [...attachment.aliases];
  if (attachment.links.length > 0) settings.Links = [...attachment.links];
  if (Object.keys(attachment.driverOptions).length > 0) settings.DriverOpts = { ...attachment.driverOptions };
  if (attachment.gatewayPriority !== 0) settings.GwPriority = attachment.gatewayPriority;
  if (attachment.mac !== "") settings.MacAddress = checkMac(attachment.mac);
  if (attachment.ipv4 !== "" || attachment.ipv6 !== "" || attachment.linkLocal.length > 0) {
    settings.IPAMConfig = {};
    if (attachment.ipv4 !== "") settings.IPAMConfig.IPv4Address = attachment.ipv4;
    if (attachment.ipv6 !== "") settings.IPAMConfig.IPv6Address = attachment.ipv6;
    if (attachment.linkLocal.length > 0) settings.IPAMConfig.LinkLocalIPs = [...attachment.linkLocal];
  }
  return settings;
}

function isPlain(written: Attachment, attachment: Attachment): boolean {
  return Object.keys(settingsOf(attachment)).length === 0 && written.aliases.length === 0;
}

/** Networks that people make, as against default, bridge, host, none and container:NAME. */
export function isUserDefined(mode: string): boolean {
  return (
    !["default", "bridge", "host", "none"].includes(mode) && mode !== "container" && !mode.startsWith("container:")
  );
}

/** @throws UsageError */
export function checkMac(text: string): string {
  const mac = text.trim();
  const colons = /^([\da-fA-F]{2}([:-]))([\da-fA-F]{2}\2){4}([\da-fA-F]{2})$/;
  const dots = /^([\da-fA-F]{4}\.){2}[\da-fA-F]{4}$/;
  if (!colons.test(mac) && !dots.test(mac)) throw new UsageError(`${text} is not a valid mac address`);
  return text;
}

/** --dns: an address, in its shortest spelling. @throws UsageError */
export function checkAddress(text: string): string {
  const address = text.trim();
  if (isIP(address) === 0) throw new UsageError(`IP address is not correctly formatted: ${text}`);
  if (isIP(address) === 4) return address;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** --dns-search. @throws UsageError */
export function checkSearchDomain(text: string): string {
  const domain = text.replaceAll(/^ +| +$/g, "");
  if (domain === ".") return domain;
  const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
  const match = new RegExp(`^:?(${label}(?::?\\.${label})*)\\.?\\s*$`).exec(domain);
  if (!/[a-zA-Z]/.test(domain) || match === null || (match[1] ?? "").length >= 255)
    throw new UsageError(`${domain} is not a valid domain`);
  return match[1] ?? domain;
}

/** --add-host "name:address" or "name=address". @throws UsageError */
export function checkExtraHost(text: string): string {
  const separator = text.includes("=") ? "=" : ":";
  const [name, value] = cut(text, separator);
  if (!text.includes(separator) || name === "" || name.includes(":"))
    throw new UsageError(`bad format for add-host: ${quote(text)}`);
  // The engine fills in what this name stands for.
  if (value === "host-gateway") return `${name}:${value}`;
  const address = /^\[(.+)\]$/.exec(value)?.[1] ?? value;
  if (isIP(address.trim()) === 0) throw new UsageError(`invalid IP address in add-host: ${quote(address)}`);
  return `${name}:${address}`;
}

/** --link "container[:alias]". @throws UsageError */
export function checkLink(text: string): string {
  if (text === "") throw new UsageError("empty string specified for links");
  if (text.split(":").length > 2) throw new UsageError(`bad format for links: ${text}`);
  return text;
}
