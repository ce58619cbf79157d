// Digests as the OCI image spec writes them (descriptor.md#digests): `algorithm:hex`.
// Only sha256 is stored; sha512 is recognised by the registry.

import { createHash } from "node:crypto";
import { HoyError } from "./error.ts";

/** A checked `sha256:<64 lower-case hex>` string. */
export type Digest = `sha256:${string}`;

const SHA256 = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return SHA256.test(text);
}

/** @throws HoyError "invalid" when the text is not a sha256 digest. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new HoyError("invalid", `invalid digest: ${JSON.stringify(text.slice(0, 100))}`);
  return text;
}

/** The 64 hex digits of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice("sha256:".length);
}

export function sha256(data: string | Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

/** Chain id of a stack of layers, bottom first (OCI image spec, config.md#layer-chainid). */
export function chainId(diffIds: readonly Digest[]): Digest {
  const [first, ...rest] = diffIds;
  if (first === undefined) throw new HoyError("internal", "chain of no layers");
  return rest.reduce((chain, diff) => sha256(`${chain} ${diff}`), first);
}
