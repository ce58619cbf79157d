// `images --tree`: images with the platforms that they are here for, as docker shows them, without its legend.

import type { ImageSummary } from "../../../api/types/image.ts";
import { truncateId } from "../../base/text.ts";
import { alignTabs } from "../../format/tabs.ts";
import { humanSizeWithPrecision } from "../../format/units.ts";

const HEADER = "IMAGE\tID\tDISK USAGE\tCONTENT SIZE\tEXTRA";

/** @param images With their manifests (`manifests=true`). `U` in the last column: a container uses it. */
export function imageTree(images: readonly ImageSummary[], truncate: boolean): string {
  const id = (text: string) => (truncate ? truncateId(text) : text);
  const size = (bytes: number) => humanSizeWithPrecision(bytes, 3);
  const lines = images.flatMap((image) => {
    const names = (image.RepoTags ?? []).filter((name) => name !== "<none>:<none>");
    const platforms = (image.Manifests ?? []).filter(({ Kind, Available }) => Kind === "image" && Available);
    const content = platforms.reduce((sum, { Size }) => sum + Size.Content, 0);
    const isUsed = platforms.some(({ ImageData }) => (ImageData?.Containers.length ?? 0) > 0);
    const last = names.at(-1) ?? "<untagged>";
    return [
      ...names.slice(0, -1).map((name) => `${name}\t\t\t\t`),
      `${last}\t${id(image.Id)}\t${size(image.Size)}\t${size(content)}\t${isUsed ? "U" : ""}`,
      ...platforms.map(({ ID, Size, ImageData }, index) => {
        const { os = "", architecture = "", variant } = ImageData?.Platform ?? {};
        const platform = [os, architecture, variant].filter(Boolean).join("/");
        const branch = index === platforms.length - 1 ? "└─" : "├─";
        const used = (ImageData?.Containers.length ?? 0) > 0 ? "U" : "";
        return `${branch} ${platform}\t${id(ID)}\t${size(Size.Total)}\t${size(Size.Content)}\t${used}`;
      }),
    ];
  });
  return alignTabs(`${[HEADER, ...lines].join("\n")}\n`).replace(/ +$/gm, "");
}
