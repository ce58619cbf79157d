// `system df -v`: every image, container, volume and piece of build cache with its size.

import type { DiskUsage } from "../../../api/backend.ts";
import type { BuildCache } from "../../../api/types/image.ts";
import type { Output } from "../../base/output.ts";
import { compareText, truncateId } from "../../base/text.ts";
import { compileFormat, printList, renderRow } from "../../format/list.ts";
import { ago, secondsOf } from "../../format/time.ts";
import { humanSize, humanSizeWithPrecision } from "../../format/units.ts";
import { type Value, View } from "../../template/value.ts";
import { CONTAINER_HEADERS, containerView } from "../container/view.ts";
import { IMAGE_HEADERS, imageViews } from "../image/view.ts";
import { limitOf, VOLUME_HEADERS, volumeView } from "../volume/view.ts";

const IMAGES =
  "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
const CONTAINERS =
  "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}";
const VOLUMES = "table {{.Name}}\t{{.Links}}\t{{.Size}}";
export const BUILD_CACHE =
  "table {{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}";

export const BUILD_CACHE_HEADERS = {
  ID: "CACHE ID",
  Parent: "PARENT",
  CacheType: "CACHE TYPE",
  Size: "SIZE",
  CreatedSince: "CREATED",
  LastUsedSince: "LAST USED",
  UsageCount: "USAGE",
  Shared: "SHARED",
};

export function verboseDiskUsage(out: Output, usage: Partial<DiskUsage>, format: string): void {
  const table = format === "table";
  const images = (usage.Images ?? []).flatMap((image) =>
    imageViews([image], { truncate: table, digests: false, format }).slice(0, 1),
  );
  const containers = (usage.Containers ?? []).map((container) => containerView({ ...container, SizeRootFs: 0 }, table));
  const volumes = (usage.Volumes ?? []).map((volume) => volumeView(volume, table));
  const records = usage.BuildCache ?? [];
  const caches = buildCacheViews(records, table);
  if (!table) {
    const value: Value = { Images: images, Containers: containers, Volumes: volumes, BuildCache: caches };
    out.print(renderRow(compileFormat(format), value));
    return;
  }
  out.print("Images space usage:\n\n");
  printList(out, { format: IMAGES, headers: IMAGE_HEADERS, rows: images });
  out.print("\nContainers space usage:\n\n");
  printList(out, { format: CONTAINERS, headers: CONTAINER_HEADERS, rows: containers });
  out.print("\nLocal Volumes space usage:\n\n");
  const limited = (usage.Volumes ?? []).some((volume) => limitOf(volume) !== undefined);
  printList(out, { format: limited ? `${VOLUMES}\t{{.Limit}}` : VOLUMES, headers: VOLUME_HEADERS, rows: volumes });
  const total = records.filter(({ Shared }) => !Shared).reduce((sum, { Size }) => sum + Size, 0);
  out.print(`\nBuild cache usage: ${humanSize(total)}\n\n`);
  printList(out, { format: BUILD_CACHE, headers: BUILD_CACHE_HEADERS, rows: caches });
}

/** The longest unused first. */
export function buildCacheViews(records: readonly BuildCache[], truncate: boolean): View[] {
  return [...records].sort(byLastUse).map((record) => cacheView(record, truncate));
}

function byLastUse(left: BuildCache, right: BuildCache): number {
  const [a, b] = [secondsOf(left.LastUsedAt) ?? 0, secondsOf(right.LastUsedAt) ?? 0];
  return a - b || compareText(left.ID, right.ID);
}

function cacheView(record: BuildCache, truncate: boolean): View {
  const lastUsed = secondsOf(record.LastUsedAt);
  const created = secondsOf(record.CreatedAt);
  const id = truncate ? truncateId(record.ID) : record.ID;
  return new View("*formatter.buildCacheContext", {
    CacheType: () => record.Type,
    CreatedAt: () => record.CreatedAt,
    CreatedSince: () => (created === undefined ? "" : ago(created)),
    Description: () => record.Description,
    ID: () => (record.InUse ? `${id}*` : id),
    InUse: () => String(record.InUse),
    LastUsedAt: () => record.LastUsedAt ?? "",
    LastUsedSince: () => (lastUsed === undefined ? "" : ago(lastUsed)),
    Parent: () => (record.Parents ?? []).map((parent) => (truncate ? truncateId(parent) : parent)).join(", "),
    Shared: () => String(record.Shared),
    Size: () => humanSizeWithPrecision(record.Size, 3),
    UsageCount: () => String(record.UsageCount),
  });
}
