// Whether the kernel shows what stays on a bridge to firewalls (br_netfilter) in the calling thread's network namespace. No
// feature of ours rests on it, either way: it is only told, for what it costs (docs/decisions/bridged-packets.md).

import { readFileSync } from "node:fs";
import { isErrno } from "../linux/libc.ts";

export interface BridgeFilter {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** As of now: the module may be loaded, and the setting changed, at any time. */
export function bridgeFilter(): BridgeFilter {
  return { ipv4: inEffect("iptables"), ipv6: inEffect("ip6tables") };
}

/** For people, as a line of `hoy info`. */
export function describeBridgeFilter({ ipv4, ipv6 }: BridgeFilter): string {
  if (!ipv4 && !ipv6) return "off";
  const settings = [...(ipv4 ? ["iptables"] : []), ...(ipv6 ? ["ip6tables"] : [])];
  const off = settings.map((name) => `net.bridge.bridge-nf-call-${name}=0`).join(" ");
  return `on: some 5 % slower between containers; if nothing else needs it: sysctl -w ${off}`;
}

/** The file is not there unless somebody has loaded the module. (Documentation/networking/ip-sysctl, "bridge-nf-call-*") */
function inEffect(name: "iptables" | "ip6tables"): boolean {
  try {
    return readFileSync(`/proc/sys/net/bridge/bridge-nf-call-${name}`, "utf8").trim() !== "0";
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}
