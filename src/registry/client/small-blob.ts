// A blob that is read whole into memory, such as an image's config: bounded, and checked against its digest.

import { type Digest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { Repository } from "./repository.ts";

const LIMIT = 8 * 1024 * 1024;

/** @throws HoyError "too-large" past 8 MiB, "invalid" for another digest. */
export async function readSmallBlob(repository: Repository, digest: Digest, signal: AbortSignal): Promise<Uint8Array> {
  const { body } = await repository.blob(digest, 0, signal);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > LIMIT) throw new HoyError("too-large", `an image config of more than ${LIMIT} bytes`);
    parts.push(part);
  }
  const bytes = Buffer.concat(parts);
  const found = sha256(bytes);
  if (found !== digest) throw new HoyError("invalid", `wrong digest of a config: expected ${digest}, got ${found}`);
  return bytes;
}
