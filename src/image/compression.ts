// How layers are to be compressed: "gzip", "zstd", with a level as "zstd:19".

import { HoyError } from "../base/error.ts";
import { mediaTypes } from "./media-types.ts";

export interface LayerCompression {
  readonly kind: "gzip" | "zstd";
  readonly level: number;
  readonly mediaType: string;
}

const KINDS = {
  gzip: { usual: 6, most: 9, mediaType: mediaTypes.ociLayerGzip },
  zstd: { usual: 3, most: 22, mediaType: mediaTypes.ociLayerZstd },
} as const;

/** @throws HoyError "invalid" for another word, or a level that it does not have. */
export function parseCompression(text: string): LayerCompression {
  const [, kind, level] = /^(gzip|zstd)(?::(\d{1,2}))?$/.exec(text) ?? [];
  if (kind !== "gzip" && kind !== "zstd")
    throw new HoyError("invalid", `${JSON.stringify(text.slice(0, 64))} is no compression: gzip[:1-9] or zstd[:1-22]`);
  const { usual, most, mediaType } = KINDS[kind];
  const chosen = level === undefined ? usual : Number(level);
  if (chosen < 1 || chosen > most) throw new HoyError("invalid", `${kind} has levels from 1 to ${most}, not ${chosen}`);
  return { kind, level: chosen, mediaType };
}
