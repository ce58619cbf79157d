// Docker's content trust (Notary v1): signatures that hoy does not check. Who asks for it is told so, and gets no unchecked
// image in place of a checked one.

import { flag } from "../flag.ts";
import type { Flag } from "../flags.ts";
import { ExitError } from "./errors.ts";
import { parseBool } from "./numbers.ts";

/** `--disable-content-trust`: true unless DOCKER_CONTENT_TRUST asks for it, as docker reads that. */
export function contentTrustFlag(help: string, { DOCKER_CONTENT_TRUST: asked = "" }: Environment): Flag<boolean> {
  return flag.bool(help, { initial: asked === "" || !isTrue(asked), hidden: true });
}

/** @throws ExitError 1 */
export function refuseContentTrust(disabled: boolean): void {
  if (disabled) return;
  throw new ExitError(
    1,
    "content trust is not supported: unset DOCKER_CONTENT_TRUST and leave out --disable-content-trust=false; name the image by its digest to get that one and no other",
  );
}

type Environment = Readonly<Record<string, string | undefined>>;

function isTrue(text: string): boolean {
  try {
    return parseBool(text);
  } catch {
    // Docker takes what is neither yes nor no for a yes.
    return true;
  }
}
