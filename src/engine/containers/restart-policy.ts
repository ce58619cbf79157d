// Restart policies: when a container that ended is started again, and after how long. Pure; the timers are in exit.ts.

import type { RestartPolicy } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";

/** The first pause; doubles with every quick end. */
export const FIRST_PAUSE_MS = 100;
export const LONGEST_PAUSE_MS = 60_000;
/** A run that lasted so long starts the pauses from the beginning. */
export const LONG_RUN_MS = 10_000;

/** @throws HoyError "invalid" with Docker's words. */
export function checkRestartPolicy(policy: RestartPolicy): void {
  const name: string = policy.Name ?? "";
  const retries = policy.MaximumRetryCount ?? 0;
  if (!["", "no", "always", "unless-stopped", "on-failure"].includes(name)) {
    fail(`unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  }
  if (!Number.isInteger(retries)) fail("maximum retry count must be a whole number");
  if (name !== "on-failure" && retries !== 0) {
    const more = retries < 0 ? " and cannot be negative" : "";
    fail(`maximum retry count can only be used with 'on-failure'${more}`);
  }
  if (retries < 0) fail("maximum retry count cannot be negative");
}

export interface Ended {
  readonly exitCode: number;
  /** Restarts so far since the user started it. */
  readonly restartCount: number;
  /** A user asked for the end (stop, kill). */
  readonly stopped: boolean;
}

/** Whether the policy starts it again after an end. */
export function shouldRestart(policy: RestartPolicy | undefined, ended: Ended): boolean {
  if (ended.stopped) return false;
  switch (policy?.Name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure": {
      const most = policy.MaximumRetryCount ?? 0;
      return ended.exitCode !== 0 && (most === 0 || ended.restartCount < most);
    }
    default:
      return false;
  }
}

/**
 * Whether the policy starts it when the engine starts. `ran`: it was running (or between two tries) when the last
 * engine ended, so its end went unseen and counts as a failure of the host, not of the container.
 */
export function shouldStartAtBoot(
  policy: RestartPolicy | undefined,
  last: Ended & { readonly ran: boolean; readonly everStarted: boolean },
): boolean {
  switch (policy?.Name) {
    case "always":
      return last.everStarted;
    case "unless-stopped":
      return last.everStarted && !last.stopped;
    case "on-failure":
      return last.ran && shouldRestart(policy, last);
    default:
      return false;
  }
}

/** The pause before the next try, after `quickExits` ends in a row that came too soon. */
export function restartPause(quickExits: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(quickExits, 20), LONGEST_PAUSE_MS);
}

function fail(message: string): never {
  throw new HoyError("invalid", `invalid restart policy: ${message}`);
}
