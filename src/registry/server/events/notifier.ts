// Tells of what happened: puts it into the queue and wakes whoever sends. A queue that can't be written is a line in the
// log, not a failure of the push that has already succeeded.

import { log } from "../../../base/log.ts";
import type { Deliverer } from "./deliverer.ts";
import type { RegistryEvent } from "./event.ts";
import type { Webhooks } from "./webhooks.ts";

export interface Notifier {
  tell(event: RegistryEvent): void;
}

export function notifierOf(webhooks: Webhooks, deliverer: Deliverer): Notifier {
  return {
    tell(event) {
      try {
        if (webhooks.enqueue(event)) deliverer.wake();
      } catch (error) {
        log.error("an event could not be queued for webhooks", { action: event.action, error });
      }
    },
  };
}
