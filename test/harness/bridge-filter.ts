// Whether the kernel shows what stays on a bridge to firewalls (br_netfilter), in one network namespace: a module that is not
// there unless dockerd, Kubernetes or somebody loads it, and then is in effect in every namespace until it is told not to be.

import { readFileSync, writeFileSync } from "node:fs";
import type { NetworkNamespace } from "../../src/linux/namespace.ts";
import { have } from "./needs.ts";

const SWITCHES = ["iptables", "ip6tables", "arptables"].map((name) => `/proc/sys/net/bridge/bridge-nf-call-${name}`);

/** On or off for both families and ARP; gives back what undoes it. @throws when it is wanted on and the module is not here. */
export function setBridgeFilter(namespace: NetworkNamespace, on: boolean): () => void {
  if (!have.bridgeFilter) {
    if (on) throw new Error("this kernel has no br_netfilter");
    return () => undefined;
  }
  const write = (values: readonly string[]) =>
    namespace.run(() => {
      for (const [index, path] of SWITCHES.entries()) writeFileSync(path, values[index] ?? "");
    });
  const before = namespace.run(() => SWITCHES.map((path) => readFileSync(path, "utf8")));
  write(SWITCHES.map(() => (on ? "1" : "0")));
  return () => write(before);
}
