// A network as a row.

import type { Network } from "../../../api/types/network.ts";
import { compareText, truncateId } from "../../base/text.ts";
import { goTimestamp } from "../../format/time.ts";
import { View } from "../../template/value.ts";

export const NETWORK_HEADERS = {
  ID: "NETWORK ID",
  Name: "NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  IPv4: "IPV4",
  IPv6: "IPV6",
  Internal: "INTERNAL",
  Labels: "LABELS",
  CreatedAt: "CREATED AT",
};

export function networkView(network: Network, truncate: boolean): View {
  const labels = network.Labels ?? {};
  return new View(
    "*network.networkContext",
    {
      CreatedAt: () => goTimestamp(network.Created ?? ""),
      Driver: () => network.Driver ?? "",
      ID: () => (truncate ? truncateId(network.Id ?? "") : (network.Id ?? "")),
      IPv4: () => String(network.EnableIPv4 ?? false),
      IPv6: () => String(network.EnableIPv6 ?? false),
      Internal: () => String(network.Internal ?? false),
      Labels: () =>
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .sort(compareText)
          .join(","),
      Name: () => network.Name ?? "",
      Scope: () => network.Scope ?? "",
    },
    { Label: (name) => labels[name] ?? "" },
  );
}
