// POST /containers/{id}/wait.

import type { WaitCondition } from "../../api/backend.ts";
import type { ContainerWaitResponse } from "../../api/types/container.ts";
import type { Container } from "./container.ts";
import { isActive } from "./machine.ts";

/** Armed when this returns: an end from now on is not missed. */
export function waitContainer(
  container: Container,
  condition: WaitCondition,
  signal: AbortSignal,
): { result: Promise<ContainerWaitResponse> } {
  if (condition === "not-running" && !isActive(container.state)) {
    return { result: Promise.resolve({ StatusCode: container.state.exitCode }) };
  }
  const result = container.waiters.wait(condition, signal);
  // Nobody may be listening yet when the client goes away.
  result.catch(() => undefined);
  return { result };
}
