// Gives memory back that nothing needs: garbage, and pages of program text that were needed once. When, its callers know.

import { log } from "../base/log.ts";
import { releaseProgramText } from "../linux/memory.ts";

/** Some 20 ms of this thread. */
export function giveMemoryBack(): void {
  Bun.gc(true);
  try {
    releaseProgramText();
  } catch (error) {
    log.debug("program text could not be given back", { error });
  }
}
