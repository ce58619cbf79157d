// Ports of a container as `ps` shows them: "0.0.0.0:80->80/tcp, 9000-9002/udp", neighbours joined.

import type { Port } from "../../api/types/container.ts";
import { isIPv6 } from "../base/ip.ts";
import { compareText } from "../base/text.ts";

interface Run {
  readonly key: string;
  first: number;
  last: number;
}

export function formatPorts(ports: readonly Port[]): string {
  const done: string[] = [];
  const mapped: string[] = [];
  const open = new Map<string, Run>();
  for (const port of [...ports].sort(byPort)) {
    const { IP: ip = "", PrivatePort: inside, PublicPort: outside = 0, Type: type } = port;
    if (ip !== "" && outside !== inside) {
      mapped.push(`${joinHost(ip, String(outside))}->${inside}/${type}`);
      continue;
    }
    const key = ip === "" ? type : `${ip}/${type}`;
    const run = open.get(key);
    if (run !== undefined && inside === run.last + 1) {
      run.last = inside;
      continue;
    }
    if (run !== undefined) done.push(formatRun(run));
    if (run === undefined) open.set(key, { key, first: inside, last: inside });
    else Object.assign(run, { first: inside, last: inside });
  }
  return [...done, ...[...open.values()].map(formatRun), ...mapped].join(", ");
}

function formatRun({ key, first, last }: Run): string {
  const slash = key.lastIndexOf("/");
  const ip = slash < 0 ? "" : key.slice(0, slash);
  const type = key.slice(slash + 1);
  const range = first === last ? String(first) : `${first}-${last}`;
  return ip === "" ? `${range}/${type}` : `${joinHost(ip, range)}->${range}/${type}`;
}

/** "host:port", with [ ] around an IPv6 address. */
export function joinHost(host: string, port: string): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function byPort(left: Port, right: Port): number {
  return (
    left.PrivatePort - right.PrivatePort ||
    compareText(left.IP ?? "", right.IP ?? "") ||
    (left.PublicPort ?? 0) - (right.PublicPort ?? 0) ||
    compareText(left.Type, right.Type)
  );
}
