// The exporters by name: an image here, an archive or files at the client. One per `--output`.

import { missing } from "../llb/values.ts";
import type { BuildkitNeeds } from "../needs.ts";
import { archiveExporter } from "./archive.ts";
import type { Exporter } from "./exporter.ts";
import { filesExporter } from "./files.ts";
import { imageExporter } from "./image.ts";

/** @throws HoyError for what is not known, or can't be. */
export function exporterOf(
  { type, attrs }: { readonly type: string; readonly attrs: Readonly<Record<string, string>> },
  index: number,
  needs: BuildkitNeeds,
): Exporter {
  switch (type) {
    case "image":
    case "moby":
    case "registry":
      return imageExporter(type)(attrs, index, needs);
    case "docker":
    case "oci":
      return archiveExporter(type)(attrs, index, needs);
    case "local":
    case "tar":
      return filesExporter(type)(attrs, index, needs);
    default:
      throw missing(`the output ${JSON.stringify(type.slice(0, 100))}`);
  }
}
