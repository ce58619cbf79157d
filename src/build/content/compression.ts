// How layers are packed for their way out, as BuildKit's attributes say it (util/compression).

import { HoyError } from "../../base/error.ts";
import { mediaTypes } from "../../image/media-types.ts";

export interface Packing {
  readonly type: "uncompressed" | "gzip" | "zstd";
  /** undefined: a fast one. */
  readonly level: number | undefined;
  /** Layers that came packed otherwise are packed anew. */
  readonly force: boolean;
  /** Media types of OCI, else those of Docker. */
  readonly oci: boolean;
}

export const DEFAULT_PACKING: Packing = { type: "gzip", level: undefined, force: false, oci: true };

const LEVELS = { uncompressed: 0, gzip: 9, zstd: 22 } as const;

/** @throws HoyError "invalid", "not-implemented" */
export function packingOf(attrs: Readonly<Record<string, string>>): Packing {
  const type = attrs.compression ?? "gzip";
  if (type === "estargz") {
    throw new HoyError("not-implemented", "compression=estargz is not implemented by this version of hoy", {
      hint: "gzip, zstd and uncompressed are there",
    });
  }
  if (type !== "uncompressed" && type !== "gzip" && type !== "zstd") {
    throw new HoyError("invalid", `unsupported compression type ${type.slice(0, 100)}`);
  }
  const text = attrs["compression-level"];
  const level = text === undefined || text === "" ? undefined : Number(text);
  if (level !== undefined && (!Number.isInteger(level) || level < 0 || level > LEVELS[type])) {
    throw new HoyError("invalid", `compression level ${text} of ${type} is not one of 0 to ${LEVELS[type]}`);
  }
  const oci = booleanOf(attrs, "oci-mediatypes") ?? true;
  if (type === "zstd" && !oci) throw new HoyError("invalid", "zstd layers need OCI media types");
  return { type, level, force: booleanOf(attrs, "force-compression") ?? false, oci };
}

export function layerType({ type, oci }: Pick<Packing, "type" | "oci">): string {
  switch (type) {
    case "zstd":
      return mediaTypes.ociLayerZstd;
    case "gzip":
      return oci ? mediaTypes.ociLayerGzip : mediaTypes.dockerLayerGzip;
    case "uncompressed":
      return oci ? mediaTypes.ociLayer : mediaTypes.dockerLayer;
  }
}

/** How a layer of this media type is packed; undefined: in a way that is not written here. */
export function packingOfType(mediaType: string): Packing["type"] | undefined {
  if (/(?:\+|\.)zstd$/.test(mediaType)) return "zstd";
  if (/(?:\+|\.)gzip$/.test(mediaType)) return "gzip";
  return /\.tar$/.test(mediaType) ? "uncompressed" : undefined;
}

/** Go's strconv.ParseBool. @throws HoyError "invalid" */
export function booleanOf(attrs: Readonly<Record<string, string>>, name: string): boolean | undefined {
  const value = attrs[name];
  if (value === undefined || value === "") return undefined;
  if (/^(?:1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new HoyError("invalid", `failed to parse ${name}: ${JSON.stringify(value.slice(0, 100))} is no boolean`);
}
