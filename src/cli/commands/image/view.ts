// An image as rows of the table: one for each of its names.

import type { ImageSummary } from "../../../api/types/image.ts";
import { familiarName, tryParseReference } from "../../../image/reference.ts";
import { truncateId } from "../../base/text.ts";
import { ago, goTime } from "../../format/time.ts";
import { humanSize, humanSizeWithPrecision } from "../../format/units.ts";
import { View } from "../../template/value.ts";

export const IMAGE_HEADERS = {
  ID: "IMAGE ID",
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Containers: "CONTAINERS",
  VirtualSize: "SIZE",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
};

const TABLE = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
const DIGESTS = "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";

const RAW = `repository: {{.Repository}}
tag: {{.Tag}}
image_id: {{.ID}}
created_at: {{.CreatedAt}}
virtual_size: {{.Size}}
`;

const RAW_DIGESTS = RAW.replace("image_id", "digest: {{.Digest}}\nimage_id");

/** The template that a --format stands for. */
export function imageFormat(format: string, options: { readonly quiet: boolean; readonly digests: boolean }): string {
  const { quiet, digests } = options;
  if (format === "raw") return quiet ? "image_id: {{.ID}}" : digests ? RAW_DIGESTS : RAW;
  if (quiet) return "{{.ID}}";
  if (format === "table") return digests ? DIGESTS : TABLE;
  return format.startsWith("table") && digests && !format.includes("{{.Digest}}") ? `${format}\t{{.Digest}}` : format;
}

interface ViewOptions {
  readonly truncate: boolean;
  readonly digests: boolean;
  readonly format: string;
}

export function imageViews(images: readonly ImageSummary[], options: ViewOptions): View[] {
  return images.flatMap((image) => namesOf(image, options).map((name) => imageView(image, name, options.truncate)));
}

interface Name {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

function namesOf(image: ImageSummary, options: ViewOptions): Name[] {
  const tags = grouped(image.RepoTags ?? [], (reference) => reference.tag);
  const digests = grouped(image.RepoDigests ?? [], (reference) => reference.digest);
  const names: Name[] = [];
  const wanted = options.digests || options.format.includes("{{.Digest}}");
  for (const [repository, list] of tags) {
    const known = wanted ? (digests.get(repository) ?? []) : [];
    digests.delete(repository);
    for (const tag of list)
      for (const digest of known.length === 0 ? ["<none>"] : known) names.push({ repository, tag, digest });
  }
  for (const [repository, list] of digests)
    for (const digest of options.digests ? list : [""]) names.push({ repository, tag: "<none>", digest });
  return names.length > 0 ? names : [{ repository: "<none>", tag: "<none>", digest: "<none>" }];
}

/** Names by repository; "<none>:<none>" of old engines is no name. */
function grouped(
  names: readonly string[],
  part: (reference: { tag: string | undefined; digest: string | undefined }) => string | undefined,
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const reference = tryParseReference(name);
    const value = reference === undefined ? undefined : part(reference);
    if (reference === undefined || value === undefined) continue;
    const repository = familiarName(reference);
    groups.set(repository, [...(groups.get(repository) ?? []), value]);
  }
  return groups;
}

function imageView(image: ImageSummary, name: Name, truncate: boolean): View {
  return new View("*formatter.imageContext", {
    Containers: () => (image.Containers === -1 ? "N/A" : String(image.Containers)),
    CreatedAt: () => goTime(image.Created),
    CreatedSince: () => ago(image.Created),
    Digest: () => name.digest,
    ID: () => (truncate ? truncateId(image.Id) : image.Id),
    Repository: () => name.repository,
    SharedSize: () => (image.SharedSize === -1 ? "N/A" : humanSize(image.SharedSize)),
    Size: () => humanSizeWithPrecision(image.Size, 3),
    Tag: () => name.tag,
    UniqueSize: () => (image.Size === -1 || image.SharedSize === -1 ? "N/A" : humanSize(image.Size - image.SharedSize)),
    VirtualSize: () => humanSize(image.Size),
  });
}
