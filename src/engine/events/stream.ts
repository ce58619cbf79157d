// GET /events: what is past since a time, then what comes, until a time or until the client goes.

import type { EventOptions } from "../../api/backend.ts";
import type { EventMessage } from "../../api/types/system.ts";
import { Queue } from "../queue.ts";
import { nowNs, parseTimestamp } from "../time.ts";
import type { EventBus } from "./bus.ts";
import { matchEvent } from "./match.ts";

/** Events that may wait for a client before it is cut off. */
const BACKLOG = 8192;

/** Subscribes at once; nothing that happens after this returns is missed. @throws HoyError "invalid" for bad times. */
export function streamEvents(bus: EventBus, options: EventOptions, signal: AbortSignal): AsyncIterable<EventMessage> {
  const since = options.since === undefined ? undefined : parseTimestamp(options.since);
  const until = options.until === undefined ? undefined : parseTimestamp(options.until);
  const queue = new Queue<EventMessage>(BACKLOG);
  const offer = (event: EventMessage) => {
    if (matchEvent(event, options.filters)) queue.push(event);
  };
  if (since !== undefined || (until !== undefined && until <= nowNs())) {
    for (const event of bus.past()) {
      const time = BigInt(event.timeNano ?? 0);
      if ((since === undefined || time >= since) && (until === undefined || time <= until)) offer(event);
    }
  }
  if (until !== undefined && until <= nowNs()) {
    queue.end();
    return queue;
  }
  const stop = bus.listen(offer);
  const end = () => {
    stop();
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    queue.end();
  };
  const timer =
    until === undefined
      ? undefined
      : setTimeout(end, Math.min(Number((until - nowNs()) / 1_000_000n) + 1, 2 ** 31 - 1));
  if (signal.aborted) end();
  else signal.addEventListener("abort", end);
  return queue;
}
