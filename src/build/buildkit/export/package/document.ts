// A manifest or an index: its bytes, and the descriptor by which others name it.

import { sha256 } from "../../../../base/digest.ts";
import type { Descriptor } from "../../../../image/descriptor.ts";

export interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

export function documentOf(value: { readonly mediaType: string; readonly [member: string]: unknown }): Document {
  const bytes = Buffer.from(JSON.stringify(value, null, 2));
  return { descriptor: { mediaType: value.mediaType, digest: sha256(bytes), size: bytes.length }, bytes };
}
