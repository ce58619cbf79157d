// -p and --expose: "80", "8080:80", "127.0.0.1:8080:80/udp", "[::1]::80", "8000-8010:80-90",
// "published=8080,target=80,protocol=tcp".

import type { PortBinding } from "../../api/types/container.ts";
import { UsageError } from "../base/errors.ts";
import { isIP } from "../base/ip.ts";
import { cut } from "../base/text.ts";

export interface Published {
  readonly exposed: Record<string, Record<string, never>>;
  readonly bindings: Record<string, PortBinding[]>;
}

/** @throws UsageError in docker's words. */
export function parsePorts(publish: readonly string[], expose: readonly string[]): Published {
  const published: Published = { exposed: {}, bindings: {} };
  for (const spec of publish.map(fromLongForm)) {
    for (const { port, binding } of parsePort(spec)) {
      published.exposed[port] = {};
      published.bindings[port] = [...(published.bindings[port] ?? []), binding];
    }
  }
  for (const spec of expose) for (const port of parseExpose(spec)) published.exposed[port] = {};
  return published;
}

function fromLongForm(spec: string): string {
  if (!spec.includes("=")) return spec;
  const fields: Record<string, string> = { protocol: "tcp", published: "", target: "" };
  for (const field of spec.split(",")) {
    const [key, value] = cut(field, "=");
    if (!field.includes("=") || key === "")
      throw new UsageError(`invalid publish opts format (should be name=value but got '${field}')`);
    fields[key] = value;
  }
  return `${fields.published}:${fields.target}/${fields.protocol}`;
}

function parsePort(spec: string): { port: string; binding: PortBinding }[] {
  const parts = spec.split(":");
  const container = parts.pop() ?? "";
  const hostPort = parts.pop() ?? "";
  const ip = hostAddress(parts.join(":"));
  const [range, protocol] = withProtocol(container);
  if (range === "") throw new UsageError(`no port specified: ${spec}<empty>`);
  checkProtocol(protocol);
  if (ip !== "" && isIP(ip) === 0) throw new UsageError(`invalid IP address: ${ip}`);
  const [first, last] = orThrow(() => parseRange(range), `invalid containerPort: ${range}`);
  if (hostPort === "") {
    return sequence(first, last).map((port) => ({
      port: `${port}/${protocol}`,
      binding: { HostIp: ip, HostPort: "" },
    }));
  }
  const [hostFirst, hostLast] = orThrow(() => parseRange(hostPort), `invalid hostPort: ${hostPort}`);
  if (last - first !== hostLast - hostFirst && first !== last)
    throw new UsageError(`invalid ranges specified for container and host Ports: ${range} and ${hostPort}`);
  return sequence(first, last).map((port, at) => {
    // One port in the container and several on the host: the engine takes a free one of them.
    const any = first === last && hostFirst !== hostLast;
    const HostPort = any ? `${hostFirst}-${hostLast}` : String(hostFirst + at);
    return { port: `${port}/${protocol}`, binding: { HostIp: ip, HostPort } };
  });
}

function hostAddress(text: string): string {
  if (!text.startsWith("[")) return text;
  if (!text.endsWith("]")) throw new UsageError(`invalid IP address ${text}: address ${text}:: missing ']' in address`);
  return text.slice(1, -1);
}

function parseExpose(spec: string): string[] {
  if (spec.includes(":")) throw new UsageError(`invalid port format for --expose: ${spec}`);
  const [range, protocol] = withProtocol(spec);
  try {
    const [first, last] = parseRange(range);
    return sequence(first, last).map((port) => {
      checkProtocol(protocol);
      return `${port}/${protocol}`;
    });
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    throw new UsageError(`invalid range format for --expose: ${spec}, error: ${thrown.message}`);
  }
}

function withProtocol(spec: string): [range: string, protocol: string] {
  const [range, protocol] = cut(spec, "/");
  return [range, (protocol === "" ? "tcp" : protocol).toLowerCase()];
}

function checkProtocol(protocol: string): void {
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw new UsageError(`invalid proto: ${protocol}`);
}

function parseRange(text: string): [number, number] {
  if (text === "") throw new UsageError("empty string specified for ports");
  const [first, last] = cut(text, "-");
  const start = parsePortNumber(first);
  const end = text.includes("-") ? parsePortNumber(last) : start;
  if (end < start) throw new UsageError(`invalid range specified for port: ${text}`);
  return [start, end];
}

function parsePortNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) > 65535)
    throw new UsageError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  return Number(text);
}

function orThrow<T>(parse: () => T, message: string): T {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof UsageError) throw new UsageError(message);
    throw thrown;
  }
}

const sequence = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
