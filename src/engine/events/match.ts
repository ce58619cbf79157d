// Which events a client asked for.

import type { Filters } from "../../api/backend.ts";
import type { EventMessage } from "../../api/types/system.ts";
import { matchExact, matchLabels, matchPrefix } from "../filters.ts";

/** Keys whose values are an id or name of that type, by prefix. */
const BY_NAME = ["container", "plugin", "volume", "network", "daemon", "node", "service", "secret", "config"] as const;

/** Whether an event passes all filters. Kinds are joined by "and", values of one kind by "or". */
export function matchEvent(event: EventMessage, filters: Filters): boolean {
  const id = event.Actor?.ID ?? "";
  const attributes = event.Actor?.Attributes ?? {};
  const name = attributes.name ?? "";
  return (
    matchAction(filters.get("event"), event.Action ?? "") &&
    matchExact(filters.get("type"), event.Type ?? "") &&
    matchExact(filters.get("scope"), event.scope ?? "local") &&
    BY_NAME.every((key) => matchPrefix(filters.get(key), id) || matchPrefix(filters.get(key), name)) &&
    matchImage(filters.get("image"), event, id, attributes) &&
    matchLabels(filters.get("label"), attributes)
  );
}

/** "exec_start: ls" and "health_status: healthy" are also found by their first word. */
function matchAction(wanted: ReadonlySet<string> | undefined, action: string): boolean {
  return matchExact(wanted, action) || matchExact(wanted, action.split(":")[0] ?? action);
}

function matchImage(
  wanted: ReadonlySet<string> | undefined,
  event: EventMessage,
  id: string,
  attributes: Readonly<Record<string, string>>,
): boolean {
  if (wanted === undefined || wanted.size === 0) return true;
  const names = event.Type === "image" ? [id, attributes.name ?? ""] : [attributes.image ?? ""];
  return names.some((name) => name !== "" && (wanted.has(name) || wanted.has(withoutTag(name))));
}

function withoutTag(name: string): string {
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? name.slice(0, colon) : name;
}
