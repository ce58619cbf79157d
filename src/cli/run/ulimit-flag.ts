// --ulimit, as `run`, `create` and `build` have it: one limit a name, the last one counts.

import { flag } from "../flag.ts";
import { parseUlimit, type Ulimit } from "./limits.ts";

export function ulimitFlag() {
  return flag.custom<ReadonlyMap<string, Ulimit>>("ulimit", "Ulimit options", new Map(), (text, before) => {
    const limit = parseUlimit(text);
    return new Map(before).set(limit.Name, limit);
  });
}
