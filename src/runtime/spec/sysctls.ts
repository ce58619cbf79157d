// --sysctl: only those that a namespace of the container holds, never the host's own. Checked before anything starts,
// with the OCI runtime's words.

import type { HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { SpecInput } from "./input.ts";
import { isHost, owns } from "./namespaces.ts";

const IPC = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);
const UTS = new Set(["kernel.domainname"]);

/** @throws HoyError "invalid" for a sysctl that is the host's, or becomes it by a host mode */
export function checkSysctls(config: HostConfig): void {
  for (const name of Object.keys(config.Sysctls ?? {})) {
    const key = dotted(name);
    const refuse = (why: string) => {
      throw new HoyError("invalid", `sysctl ${JSON.stringify(name)} ${why}`);
    };
    if (key.startsWith("net.")) {
      if (isHost(config.NetworkMode)) refuse("not allowed in host network namespace");
    } else if (IPC.has(key) || key.startsWith("fs.mqueue.")) {
      if (isHost(config.IpcMode)) refuse("not allowed in the hosts ipc namespace");
    } else if (key === "kernel.hostname") {
      refuse("conflicts with the container's hostname, use --hostname");
    } else if (UTS.has(key)) {
      if (isHost(config.UTSMode)) refuse("not allowed in host UTS namespace");
    } else {
      refuse("is not in a separate kernel namespace");
    }
  }
}

/** sysctl(8): "net/ipv4/conf/eth0.1/x" is "net.ipv4.conf.eth0/1.x". */
function dotted(name: string): string {
  const slash = name.indexOf("/");
  const dot = name.indexOf(".");
  if (slash < 0 || (dot >= 0 && dot < slash)) return name;
  return name.replaceAll(/[./]/g, (sign) => (sign === "." ? "/" : "."));
}

/** The container's sysctls with Docker's defaults: ports below 1024 and ping for everybody, in a network of its own. */
export function sysctlsOf(input: SpecInput): Record<string, string> {
  const found: Record<string, string> = {};
  const privateNetwork =
    input.namespaces.network.kind !== "host" && !input.hostConfig.NetworkMode?.startsWith("container:");
  if (privateNetwork && owns(input, "network")) {
    const { sysctls } = input.facts;
    if (sysctls.has("net.ipv4.ip_unprivileged_port_start")) found["net.ipv4.ip_unprivileged_port_start"] = "0";
    // In a user namespace the range must be of ids that it knows, and root there can't write others.
    const last = input.idMap
      ? Math.max(...input.idMap.gids.map((range) => range.container + range.size - 1))
      : 2 ** 31 - 1;
    if (sysctls.has("net.ipv4.ping_group_range")) found["net.ipv4.ping_group_range"] = `0 ${last}`;
  }
  const domain = input.config.Domainname;
  if (domain && !input.idMap && !isHost(input.hostConfig.UTSMode)) found["kernel.domainname"] = domain;
  return { ...found, ...input.hostConfig.Sysctls };
}
