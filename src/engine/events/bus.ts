// What happened, told to whoever listens and kept for `since`. Events go to the database with the change they speak
// of (same transaction), so after a crash the two agree.

import type { EventMessage } from "../../api/types/system.ts";
import { EVENTS_KEPT } from "../../state/containers.ts";
import { nowNs } from "../time.ts";

export type EventType = NonNullable<EventMessage["Type"]>;

type Listener = (event: EventMessage) => void;

export class EventBus {
  readonly #past: EventMessage[];
  readonly #unsaved: EventMessage[] = [];
  readonly #listeners = new Set<Listener>();
  readonly #onEvent: () => void;

  /** `onEvent` is told of each new event, to schedule the write of `takeUnsaved()`. */
  constructor(past: readonly EventMessage[], onEvent: () => void) {
    this.#past = [...past];
    this.#onEvent = onEvent;
  }

  emit(type: EventType, action: string, id: string, attributes: Readonly<Record<string, string>>): void {
    const ns = nowNs();
    const event: EventMessage = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: { ...attributes } },
      scope: "local",
      time: Number(ns / 1_000_000_000n),
      timeNano: Number(ns),
    };
    this.#past.push(event);
    if (this.#past.length > EVENTS_KEPT) this.#past.shift();
    this.#unsaved.push(event);
    for (const listener of [...this.#listeners]) listener(event);
    this.#onEvent();
  }

  past(): readonly EventMessage[] {
    return this.#past;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  takeUnsaved(): EventMessage[] {
    return this.#unsaved.splice(0);
  }
}
