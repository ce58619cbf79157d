// The names a client may write into a URL: repositories, tags, digests (distribution spec, "Pulling manifests"; image
// spec, descriptor.md#digests). Everything is checked here before it reaches a query or a path.

import { RegistryError } from "./errors.ts";

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const NAME_LIMIT = 255;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = /^(sha256):([0-9a-f]{64})$|^(sha512):([0-9a-f]{128})$/;

export type Algorithm = "sha256" | "sha512";

/** A checked digest; `text` is `algorithm:hex`. */
export interface AnyDigest {
  readonly text: string;
  readonly algorithm: Algorithm;
  readonly hex: string;
}

/** Whether the text names a repository: at most 255 characters, lower case, no empty component. */
export function isRepositoryName(text: string): boolean {
  return text.length <= NAME_LIMIT && NAME.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** sha256 and sha512; undefined for everything else. */
export function parseAnyDigest(text: string): AnyDigest | undefined {
  const [, short, shortHex, long, longHex] = DIGEST.exec(text) ?? [];
  if (short === "sha256" && shortHex !== undefined) return { text, algorithm: "sha256", hex: shortHex };
  if (long === "sha512" && longHex !== undefined) return { text, algorithm: "sha512", hex: longHex };
  return undefined;
}

/** @throws RegistryError DIGEST_INVALID */
export function requireDigest(text: string): AnyDigest {
  const digest = parseAnyDigest(text);
  if (digest === undefined) throw new RegistryError(400, "DIGEST_INVALID", "provided digest is not sha256 or sha512");
  return digest;
}
