// SCTP ports of the host. The engine holds no SCTP socket (Node has none): what is free is known from its own claims and
// from the kernel's list of endpoints, and the firewall's rules alone carry the traffic.

import { readFileSync } from "node:fs";
import { isErrno } from "../../linux/libc.ts";

/** The dynamic range of RFC 6335; Docker's own default for ports that it chooses. */
const FIRST = 49_153;
const LAST = 65_535;

/** A port that neither `taken` nor the kernel has; undefined when all are taken. */
export function chooseSctpPort(taken: (port: number) => boolean): number | undefined {
  const listening = sctpEndpoints();
  const count = LAST - FIRST + 1;
  const start = crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
  for (let tries = 0; tries < count; tries++) {
    const port = FIRST + ((start + tries) % count);
    if (!taken(port) && !listening.has(port)) return port;
  }
  return undefined;
}

/** Local ports of /proc/net/sctp/eps (its sixth column, LPORT); none where the kernel has no SCTP. */
export function sctpEndpoints(): ReadonlySet<number> {
  try {
    const [, ...lines] = readFileSync("/proc/net/sctp/eps", "utf8").split("\n");
    return new Set(lines.map((line) => Number(line.trim().split(/\s+/)[5])).filter(Number.isInteger));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return new Set();
    throw error;
  }
}
