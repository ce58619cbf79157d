// The shim's bytes, embedded by `bun build`. Imported only when a daemon starts; `scripts/build` makes the file first.
// HOY_SHIM names another program instead: for running from source, and for trying a shim built with sanitizers.

import { readFileSync } from "node:fs";
import embedded from "../../dist/hoy-shim" with { type: "file" };

export function shimProgram(): Uint8Array {
  return readFileSync(process.env.HOY_SHIM ?? embedded);
}
