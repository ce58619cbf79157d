// A container as a row: the fields that --format knows, and the default table.

import type { ContainerSummary } from "../../../api/types/container.ts";
import { familiarName, tryParseReference } from "../../../image/reference.ts";
import { compareText, ellipsis, truncateId } from "../../base/text.ts";
import { formatPorts } from "../../format/ports.ts";
import { ago, goTime } from "../../format/time.ts";
import { humanSizeWithPrecision } from "../../format/units.ts";
import { View } from "../../template/value.ts";

export const CONTAINER_HEADERS = {
  ID: "CONTAINER ID",
  Names: "NAMES",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  Ports: "PORTS",
  State: "STATE",
  Status: "STATUS",
  Size: "SIZE",
  Labels: "LABELS",
  Mounts: "MOUNTS",
  LocalVolumes: "LOCAL VOLUMES",
  Networks: "NETWORKS",
  Platform: "PLATFORM",
};

const TABLE = "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

const RAW = `container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
`;

/** The template that a --format stands for. */
export function containerFormat(format: string, options: { readonly quiet: boolean; readonly size: boolean }): string {
  if (format === "raw") {
    if (options.quiet) return "container_id: {{.ID}}";
    return options.size ? `${RAW}size: {{.Size}}\n` : RAW;
  }
  if (options.quiet) return "{{.ID}}";
  if (format !== "table") return format;
  return options.size ? `${TABLE}\t{{.Size}}` : TABLE;
}

export function containerView(container: ContainerSummary, truncate: boolean): View {
  const labels = container.Labels ?? {};
  return new View(
    "*formatter.ContainerContext",
    {
      Command: () => JSON.stringify(truncate ? ellipsis(container.Command ?? "", 20) : (container.Command ?? "")),
      CreatedAt: () => goTime(container.Created ?? 0),
      ID: () => (truncate ? truncateId(container.Id ?? "") : (container.Id ?? "")),
      Image: () => imageOf(container, truncate),
      Labels: () =>
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .sort(compareText)
          .join(","),
      LocalVolumes: () => String((container.Mounts ?? []).filter(({ Driver }) => Driver === "local").length),
      Mounts: () =>
        (container.Mounts ?? [])
          .map(({ Name, Source }) => Name || Source)
          .map((name) => (truncate ? ellipsis(name, 15) : name))
          .join(","),
      Names: () => namesOf(container, truncate),
      Networks: () => Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
      Platform: () => platformOf(container),
      Ports: () => formatPorts(container.Ports ?? []),
      RunningFor: () => ago(container.Created ?? 0),
      Size: () => sizeOf(container),
      State: () => container.State ?? "",
      Status: () => container.Status ?? "",
    },
    { Label: (name) => labels[name] ?? "" },
  );
}

/** Truncated: the first name that is no link of old ("/other/alias"). */
function namesOf({ Names = [] }: ContainerSummary, truncate: boolean): string {
  const names = Names.map((name) => name.replace(/^\//, ""));
  if (!truncate) return names.join(",");
  return names.find((name) => !name.includes("/")) ?? "";
}

/** Truncated: the name without host, library/ and digest, as one would type it. */
function imageOf({ Image = "", ImageID = "" }: ContainerSummary, truncate: boolean): string {
  if (Image === "") return "<no image>";
  if (!truncate) return Image;
  if (truncateId(ImageID) === truncateId(Image)) return truncateId(ImageID);
  return familiarWithoutDigest(Image) ?? Image;
}

function familiarWithoutDigest(image: string): string | undefined {
  const reference = tryParseReference(image);
  if (reference === undefined) return undefined;
  const name = familiarName(reference);
  return reference.tag === undefined ? name : `${name}:${reference.tag}`;
}

function platformOf({ ImageManifestDescriptor }: ContainerSummary) {
  const platform = ImageManifestDescriptor?.platform;
  if (platform === undefined) return null;
  return { architecture: platform.architecture ?? "", os: platform.os ?? "" };
}

function sizeOf({ SizeRw, SizeRootFs }: ContainerSummary): string {
  const writable = humanSizeWithPrecision(SizeRw ?? 0, 3);
  const whole = SizeRootFs ?? 0;
  return whole > 0 ? `${writable} (virtual ${humanSizeWithPrecision(whole, 3)})` : writable;
}
