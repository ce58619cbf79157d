// One `--cache-to` or `--cache-from` as its client wrote it: a type and attributes.

import { HoyError } from "../../../base/error.ts";
import { parseReference, type Reference, withDefaultTag } from "../../../image/reference.ts";

export interface CacheEntryOption {
  readonly type: string;
  readonly attrs: Readonly<Record<string, string>>;
}

const MAX_OPTIONS = 100;

/**
 * As the command line has it: `type=registry,ref=…`, or a name alone, which is that of an image.
 * @throws HoyError "invalid"
 */
export function parseCacheOption(text: string): CacheEntryOption {
  if (!text.includes("=")) return { type: "registry", attrs: { ref: text } };
  const attrs: Record<string, string> = {};
  let type = "";
  for (const field of text.split(",").slice(0, MAX_OPTIONS)) {
    const [, key, value] = /^\s*([a-zA-Z0-9._-]+)=(.*)$/.exec(field) ?? [];
    if (key === undefined || value === undefined)
      throw new HoyError("invalid", `invalid value ${JSON.stringify(field)}`);
    if (key === "type") type = value;
    else attrs[key.toLowerCase()] = value;
  }
  if (type === "") throw new HoyError("invalid", `type required for ${JSON.stringify(text.slice(0, 200))}`);
  return { type, attrs };
}

/** @throws HoyError "invalid" */
export function refOf({ type, attrs }: CacheEntryOption): Reference {
  const { ref = "" } = attrs;
  if (ref === "") throw new HoyError("invalid", `a ${type} cache needs ref=NAME`);
  return withDefaultTag(parseReference(ref));
}

/** Types that this engine has no place for. */
export function unknownCache(type: string, what: "export" | "import"): HoyError {
  const known =
    what === "export" ? "inline, registry and local" : "registry and local (inline caches are images: registry)";
  return new HoyError(
    "not-implemented",
    `a build cache can't be ${what}ed with type=${type.slice(0, 100)} by this version of hoy`,
    {
      hint: type === "gha" ? "on GitHub's runners use type=registry with ghcr.io" : `there are ${known}`,
    },
  );
}
