// Why a container's root, who is nobody on the host, may not reach its root file system: a directory above it is closed.

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { HoyError } from "../../base/error.ts";

const OTHERS_PASS = 0o001;

/** The highest directory on the way to `path`, itself included, that others may not pass; undefined: all are open. */
export function closedDirectory(path: string): string | undefined {
  const above = dirname(path) === path ? undefined : closedDirectory(dirname(path));
  if (above !== undefined) return above;
  const status = statSync(path, { throwIfNoEntry: false });
  return status === undefined || (status.mode & OTHERS_PASS) !== 0 ? undefined : path;
}

/** `error`, or a clearer one when a closed directory explains it. */
export function explainClosed(bundle: string, error: unknown): unknown {
  const closed = closedDirectory(bundle);
  if (closed === undefined) return error;
  return new HoyError("internal", `the container's user may not pass ${closed}, which is above its root file system`, {
    hint: `chmod o+x ${closed}, or run with --userns=host`,
    cause: error,
  });
}
