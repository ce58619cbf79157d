// --trace FILE: spans are appended to the file, one JSON line each. A file that can't be written ends the tracing with
// a word in the log, never a request.

import { closeSync, openSync, writeSync } from "node:fs";
import { HoyError } from "../base/error.ts";
import { log } from "../base/log.ts";
import { traceTo } from "../base/trace.ts";

/** Returns how to end it. @throws HoyError "invalid" when the file can't be opened. */
export function startTrace(path: string): () => void {
  const fd = openFile(path);
  let open = true;
  const end = () => {
    if (!open) return;
    open = false;
    traceTo(undefined);
    closeSync(fd);
  };
  traceTo((line) => {
    try {
      if (open) writeSync(fd, line);
    } catch (error) {
      log.warn("tracing ended: the file can't be written", { path, error });
      end();
    }
  });
  return end;
}

function openFile(path: string): number {
  try {
    return openSync(path, "a", 0o600);
  } catch (cause) {
    throw new HoyError("invalid", `--trace: ${(cause as Error).message}`, { cause });
  }
}
