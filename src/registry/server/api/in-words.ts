// What the books refuse, as an answer of the API: the same words, with the status that HoyError's code has.

import { HoyError } from "../../../base/error.ts";
import { RegistryError } from "../errors.ts";

/** @throws RegistryError for a HoyError that is the caller's fault. */
export function inWords<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof HoyError && cause.status < 500)
      throw new RegistryError(cause.status, "UNSUPPORTED", cause.message, { cause });
    throw cause;
  }
}
