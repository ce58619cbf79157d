// A volume as a row.

import type { Volume } from "../../../api/types/volume.ts";
import { compareText } from "../../base/text.ts";
import { humanSize } from "../../format/units.ts";
import { View } from "../../template/value.ts";

export const VOLUME_HEADERS = {
  Name: "VOLUME NAME",
  Driver: "DRIVER",
  Scope: "SCOPE",
  Availability: "AVAILABILITY",
  Mountpoint: "MOUNTPOINT",
  Labels: "LABELS",
  Links: "LINKS",
  Size: "SIZE",
  Limit: "LIMIT",
  Group: "GROUP",
  Status: "STATUS",
};

/** @param limit with the field Limit: not for `json`, which shows docker's fields and no others */
export function volumeView(volume: Volume, limit = false): View {
  const labels = volume.Labels ?? {};
  const { UsageData: usage } = volume;
  return new View(
    "*formatter.volumeContext",
    {
      Availability: () => "N/A",
      Driver: () => volume.Driver,
      Group: () => "N/A",
      Labels: () =>
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .sort(compareText)
          .join(","),
      ...(limit ? { Limit: () => humanLimit(volume) } : {}),
      Links: () => (usage === undefined || usage === null ? "N/A" : String(usage.RefCount)),
      Mountpoint: () => volume.Mountpoint,
      Name: () => volume.Name,
      Scope: () => volume.Scope,
      Size: () => (usage === undefined || usage === null || usage.Size < 0 ? "N/A" : humanSize(usage.Size)),
      Status: () => "N/A",
    },
    { Label: (name) => labels[name] ?? "" },
  );
}

function humanLimit(volume: Volume): string {
  const limit = limitOf(volume);
  return limit === undefined ? "" : humanSize(limit);
}

/** Bytes that go into it at most, where the engine bounds them; dockerd says no such thing. */
export function limitOf({ Status }: Volume): number | undefined {
  const limit = Status?.Size?.Limit;
  return typeof limit === "number" ? limit : undefined;
}
