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
  Group: "GROUP",
  Status: "STATUS",
};

export function volumeView(volume: Volume): View {
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
