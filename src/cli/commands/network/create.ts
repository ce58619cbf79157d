// `network create`.

import type { NetworkCreateRequest } from "../../../api/backend.ts";
import type { IPAMConfig, NetworkCreateResponse } from "../../../api/types/network.ts";
import { ExitError, UsageError } from "../../base/errors.ts";
import { cut } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { checkLabel } from "../../run/environment.ts";
import { ipamConfigs } from "./ipam.ts";

export const create = command({
  usage: "[OPTIONS] NETWORK",
  args: args.exactly(1),
  flags: {
    attachable: flag.bool("Enable manual container attachment"),
    "aux-address": flag.map("Auxiliary IPv4 or IPv6 addresses used by Network driver"),
    "config-from": flag.string("The network from which to copy the configuration"),
    "config-only": flag.bool("Create a configuration only network"),
    driver: flag.string("Driver to manage the Network", { short: "d", initial: "bridge", shown: '"bridge"' }),
    gateway: flag.strings("IPv4 or IPv6 Gateway for the master subnet"),
    ingress: flag.bool("Create swarm routing-mesh network"),
    internal: flag.bool("Restrict external access to the network"),
    "ip-range": flag.strings("Allocate container ip from a sub-range"),
    "ipam-driver": flag.string("IP Address Management Driver", { initial: "default", shown: '"default"' }),
    "ipam-opt": flag.map("Set IPAM driver specific options"),
    ipv4: flag.bool("Enable or disable IPv4 address assignment", { initial: true, shown: "true" }),
    ipv6: flag.bool("Enable or disable IPv6 address assignment"),
    label: flag.list("Set metadata on a network", { check: checkLabel }),
    opt: flag.map("Set driver specific options", { short: "o" }),
    scope: flag.string("Control the network's scope"),
    subnet: flag.strings("Subnet in CIDR format that represents a network segment"),
  },
  async run({ engine, io }, { flags, args: [name = ""], changed }) {
    let ipam: IPAMConfig[];
    try {
      ipam = ipamConfigs(flags.subnet, flags["ip-range"], flags.gateway, flags["aux-address"]);
    } catch (thrown) {
      throw thrown instanceof UsageError ? new ExitError(1, thrown.message) : thrown;
    }
    const request: NetworkCreateRequest = {
      Name: name,
      Driver: flags.driver,
      Scope: flags.scope,
      Internal: flags.internal,
      Attachable: flags.attachable,
      Ingress: flags.ingress,
      ConfigOnly: flags["config-only"],
      Options: Object.fromEntries(flags.opt),
      Labels: Object.fromEntries(flags.label.map((label) => cut(label, "="))),
      IPAM: { Driver: flags["ipam-driver"], Config: ipam, Options: Object.fromEntries(flags["ipam-opt"]) },
    };
    if (flags["config-from"] !== "") request.ConfigFrom = { Network: flags["config-from"] };
    if (changed.has("ipv4")) request.EnableIPv4 = flags.ipv4;
    if (changed.has("ipv6")) request.EnableIPv6 = flags.ipv6;
    const { Id, Warning } = await engine.json<NetworkCreateResponse>("POST", "/networks/create", { json: request });
    if (Warning) io.stderr.line(`WARNING: ${Warning}`);
    io.stdout.line(Id);
  },
});
