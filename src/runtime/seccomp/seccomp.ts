// The seccomp filter of one container: "unconfined", "builtin", or a profile of the user's.

import { HoyError } from "../../base/error.ts";
import type { OciSeccomp } from "../oci.ts";
import { DEFAULT_PROFILE } from "./default.ts";
import { parseProfile } from "./profile.ts";
import { resolveProfile, type SeccompTarget } from "./rules.ts";

export interface SeccompRequest extends SeccompTarget {
  /** "builtin", "unconfined" or a profile's JSON text. */
  readonly profile: string;
  /** Has the kernel got seccomp? */
  readonly supported: boolean;
}

/**
 * @returns undefined: no filter
 * @throws HoyError "invalid" for a bad profile, or one of the user's on a kernel without seccomp
 */
export function seccompFor(request: SeccompRequest): OciSeccomp | undefined {
  const { profile, supported } = request;
  if (profile === "unconfined") return undefined;
  const builtin = profile === "builtin" || profile === "" || profile === "default";
  if (!supported) {
    if (builtin) return undefined;
    throw new HoyError("invalid", "seccomp is not enabled in your kernel, cannot run a custom seccomp profile");
  }
  return resolveProfile(builtin ? DEFAULT_PROFILE : parseProfile(profile), request);
}
