// Identifiers of containers, execs, networks: 64 lower-case hex digits, random, as Docker's.

import { randomBytes } from "node:crypto";

/** A new id. Like Docker's, never all decimal digits in its first 12, so that it can't be read as a number. */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString("hex");
    if (!/^[0-9]{12}/.test(id)) return id;
  }
}

/** The 12 digits that tables show. */
export function shortId(id: string): string {
  const hex = id.startsWith("sha256:") ? id.slice("sha256:".length) : id;
  return hex.slice(0, 12);
}
