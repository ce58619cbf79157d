// The four rows of `system df`, counted from what the engine lists.

import type { DiskUsage } from "../../../api/backend.ts";
import { humanSize } from "../../format/units.ts";
import { View } from "../../template/value.ts";

interface Row {
  readonly type: string;
  readonly goType: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
  readonly percent: boolean;
}

export function usageViews(usage: Partial<DiskUsage>): View[] {
  return [images(usage), containers(usage), volumes(usage), buildCache(usage)].map(
    (row) =>
      new View(row.goType, {
        Active: () => String(row.active),
        Reclaimable: () => reclaimable(row),
        Size: () => humanSize(row.size),
        TotalCount: () => String(row.total),
        Type: () => row.type,
      }),
  );
}

function reclaimable(row: Row): string {
  const size = humanSize(row.reclaimable);
  return row.percent && row.size > 0 ? `${size} (${Math.trunc((row.reclaimable * 100) / row.size)}%)` : size;
}

function images({ Images, LayersSize = 0 }: Partial<DiskUsage>): Row {
  const list = Images ?? [];
  const used = list.filter(({ Containers }) => Containers > 0);
  // Layers are shared: what is in use is only known as the sum of what each image has alone.
  const kept = used
    .filter(({ Size, SharedSize }) => Size !== -1 && SharedSize !== -1)
    .reduce((sum, { Size, SharedSize }) => sum + Size - SharedSize, 0);
  return {
    type: "Images",
    goType: "*formatter.diskUsageImagesContext",
    total: list.length,
    active: used.length,
    size: LayersSize,
    reclaimable: LayersSize - kept,
    percent: true,
  };
}

function containers({ Containers }: Partial<DiskUsage>): Row {
  const list = Containers ?? [];
  const active = (state: string | undefined) => state === "running" || state === "paused" || state === "restarting";
  const size = (each: { SizeRw?: number | null }) => each.SizeRw ?? 0;
  return {
    type: "Containers",
    goType: "*formatter.diskUsageContainersContext",
    total: list.length,
    active: list.filter(({ State }) => active(State)).length,
    size: list.reduce((sum, each) => sum + size(each), 0),
    reclaimable: list.filter(({ State }) => !active(State)).reduce((sum, each) => sum + size(each), 0),
    percent: true,
  };
}

function volumes({ Volumes }: Partial<DiskUsage>): Row {
  const list = Volumes ?? [];
  const known = list.filter(({ UsageData }) => (UsageData?.Size ?? -1) !== -1);
  const sum = (each: typeof list) => each.reduce((total, { UsageData }) => total + (UsageData?.Size ?? 0), 0);
  return {
    type: "Local Volumes",
    goType: "*formatter.diskUsageVolumesContext",
    total: list.length,
    active: list.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0).length,
    size: sum(known),
    reclaimable: sum(known.filter(({ UsageData }) => UsageData?.RefCount === 0)),
    percent: true,
  };
}

function buildCache({ BuildCache }: Partial<DiskUsage>): Row {
  const list = BuildCache ?? [];
  const own = list.filter(({ Shared }) => !Shared);
  const sum = (each: typeof list) => each.reduce((total, { Size }) => total + Size, 0);
  return {
    type: "Build Cache",
    goType: "*formatter.diskUsageBuilderContext",
    total: list.length,
    active: list.filter(({ InUse }) => InUse).length,
    size: sum(own),
    reclaimable: sum(own.filter(({ InUse }) => !InUse)),
    percent: false,
  };
}
