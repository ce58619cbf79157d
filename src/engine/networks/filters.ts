// `docker network ls --filter`: which networks match.

import type { Filters } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { PREDEFINED } from "../../network/catalog.ts";
import type { NetworkRecord } from "../../network/network.ts";
import { booleanFilter, matchExact, matchLabels, matchPattern, matchPrefix } from "../filters.ts";

export const NETWORK_FILTERS = ["dangling", "driver", "id", "label", "name", "scope", "type"] as const;

/** `used` is asked only where it matters: it looks at every container. */
export function matchesNetwork(filters: Filters, network: NetworkRecord, used: () => boolean): boolean {
  const dangling = booleanFilter(filters, "dangling");
  const predefined = PREDEFINED.includes(network.name);
  return (
    matchExact(filters.get("driver"), network.driver) &&
    matchPrefix(filters.get("id"), network.id) &&
    matchPattern(filters.get("name"), network.name) &&
    matchLabels(filters.get("label"), network.labels) &&
    matchExact(filters.get("scope"), "local") &&
    matchesType(filters.get("type"), predefined) &&
    (dangling === undefined || dangling === (!predefined && !used()))
  );
}

function matchesType(wanted: ReadonlySet<string> | undefined, predefined: boolean): boolean {
  if (wanted === undefined || wanted.size === 0) return true;
  for (const type of wanted) {
    if (type !== "builtin" && type !== "custom")
      throw new HoyError("invalid", `invalid filter: 'type'='${type.slice(0, 60)}'`);
  }
  return wanted.has(predefined ? "builtin" : "custom");
}
