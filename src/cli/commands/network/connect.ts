// `network connect`.

import type { EndpointSettings } from "../../../api/types/network.ts";
import { ExitError } from "../../base/errors.ts";
import { cut } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { checkLink } from "../../run/network.ts";

export const connect = command({
  usage: "[OPTIONS] NETWORK CONTAINER",
  args: args.exactly(2),
  flags: {
    alias: flag.strings("Add network-scoped alias for the container"),
    "driver-opt": flag.strings("driver options for the network"),
    "gw-priority": flag.int("Highest gw-priority provides the default gateway. Accepts positive and negative values."),
    ip: flag.string('IPv4 address (e.g., "172.30.100.104")'),
    ip6: flag.string('IPv6 address (e.g., "2001:db8::33")'),
    link: flag.list("Add link to another container", { check: checkLink }),
    "link-local-ip": flag.strings("Add a link-local address for the container"),
  },
  async run({ engine }, { flags, args: [network = "", container = ""] }) {
    const settings: EndpointSettings = { GwPriority: flags["gw-priority"] };
    if (flags.alias.length > 0) settings.Aliases = [...flags.alias];
    if (flags.link.length > 0) settings.Links = [...flags.link];
    if (flags["driver-opt"].length > 0) settings.DriverOpts = Object.fromEntries(flags["driver-opt"].map(driverOption));
    const ipam = {
      ...(flags.ip === "" ? {} : { IPv4Address: flags.ip }),
      ...(flags.ip6 === "" ? {} : { IPv6Address: flags.ip6 }),
      ...(flags["link-local-ip"].length === 0 ? {} : { LinkLocalIPs: [...flags["link-local-ip"]] }),
    };
    settings.IPAMConfig = ipam;
    await engine.done("POST", `/networks/${encodeURIComponent(network)}/connect`, {
      json: { Container: container, EndpointConfig: settings },
    });
  },
});

function driverOption(text: string): [string, string] {
  const [key, value] = cut(text.toLowerCase(), "=");
  if (!text.includes("=") || key === "") throw new ExitError(1, "invalid key/value pair format in driver options");
  return [key.trim(), value.trim()];
}
