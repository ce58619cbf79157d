// Makes what a spec's mounts need in the bundle before the shim runs: the staging point of each bind, a directory for
// a directory and an empty file for anything else, as mount(2) wants them alike.

import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { StagedBind } from "../contract.ts";

/**
 * Idempotent.
 * @throws HoyError "invalid" with Docker's words when a source is not there (any more)
 */
export async function prepareBinds(binds: readonly StagedBind[]): Promise<void> {
  for (const { source, target } of binds) {
    const found = await stat(source).catch((cause: unknown) => {
      throw new HoyError(
        "invalid",
        `invalid mount config for type "bind": bind source path does not exist: ${source}`,
        { cause },
      );
    });
    await mkdir(found.isDirectory() ? target : dirname(target), { recursive: true, mode: 0o711 });
    if (!found.isDirectory()) await (await open(target, "a", 0o600)).close();
  }
}
