// Who waits for a container to end or to be gone. Held in memory only: a wait is a request, and ends with the engine.

import type { WaitCondition } from "../../api/backend.ts";
import type { ContainerWaitResponse } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";

interface Waiter {
  readonly condition: WaitCondition;
  readonly resolve: (result: ContainerWaitResponse) => void;
}

export class Waiters {
  readonly #waiting = new Set<Waiter>();

  /** Resolves at the next exit ("not-running" and "next-exit") or when the container is gone ("removed"). */
  wait(condition: WaitCondition, signal: AbortSignal): Promise<ContainerWaitResponse> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new HoyError("cancelled", "the wait was cancelled"));
        return;
      }
      const leave = () => {
        this.#waiting.delete(waiter);
        reject(new HoyError("cancelled", "the wait was cancelled"));
      };
      const waiter: Waiter = {
        condition,
        resolve: (result) => {
          signal.removeEventListener("abort", leave);
          resolve(result);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.add(waiter);
    });
  }

  exited(result: ContainerWaitResponse): void {
    this.#settle((waiter) => waiter.condition !== "removed", result);
  }

  /** Nothing can happen to the container any more: everyone is told. */
  removed(result: ContainerWaitResponse): void {
    this.#settle(() => true, result);
  }

  #settle(chosen: (waiter: Waiter) => boolean, result: ContainerWaitResponse): void {
    for (const waiter of [...this.#waiting]) {
      if (!chosen(waiter)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(result);
    }
  }
}
