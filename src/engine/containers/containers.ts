// All containers: look-up by id, prefix or name, names that are taken, and the writes to the database. Changes are
// gathered and written in one transaction: at once and through to the disk where a client was promised something that
// nothing else tells (`save`), else within a few milliseconds (`touch`): that can be learnt again from the shim's files.

import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import type { ContainerTable } from "../../state/containers.ts";
import type { EventBus } from "../events/bus.ts";
import type { Container } from "./container.ts";
import { linkedBy } from "./links.ts";

const SOON_MS = 20;

export class Containers {
  readonly #table: ContainerTable;
  readonly #byId = new Map<string, Container>();
  readonly #idByName = new Map<string, string>();
  readonly #put = new Set<Container>();
  readonly #touched = new Set<Container>();
  readonly #removed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #events: EventBus | undefined;
  #closed = false;

  constructor(table: ContainerTable) {
    this.#table = table;
  }

  /** Events are written with the containers' changes. */
  attachEvents(events: EventBus): void {
    this.#events = events;
  }

  /** Puts one from the database back in the maps. */
  restore(container: Container): void {
    this.#byId.set(container.id, container);
    this.#idByName.set(container.name, container.id);
  }

  all(): Container[] {
    return [...this.#byId.values()];
  }

  get size(): number {
    return this.#byId.size;
  }

  byId(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /**
   * By whole id, then name (with or without the slash; "parent/alias" for one that is linked to), then unique prefix of
   * an id: Docker's order.
   * @throws HoyError "not-found", or "invalid" when more than one id begins so.
   */
  find(ref: string): Container {
    if (ref === "") throw new HoyError("invalid", "no container name or ID supplied");
    const exact = this.#byId.get(ref);
    if (exact !== undefined) return exact;
    const named = this.#idByName.get(ref.startsWith("/") ? ref.slice(1) : ref);
    const container = named === undefined ? undefined : this.#byId.get(named);
    if (container !== undefined) return container;
    const linked = ref.includes("/") ? linkedBy(this, ref) : undefined;
    if (linked !== undefined) return linked;
    const matches = /^[0-9a-f]{1,64}$/.test(ref) ? this.#withPrefix(ref) : [];
    const [only, other] = matches;
    if (only === undefined) throw new HoyError("not-found", `No such container: ${ref}`);
    if (other !== undefined) throw new HoyError("invalid", `multiple IDs found with provided prefix: ${ref}`);
    return only;
  }

  /** Undefined where `find` throws. */
  tryFind(ref: string): Container | undefined {
    try {
      return this.find(ref);
    } catch (error) {
      if (error instanceof HoyError && (error.code === "not-found" || error.code === "invalid")) return undefined;
      throw error;
    }
  }

  /**
   * For the other containers that a request for a new one names. Not "not-found": on create, clients take that for a
   * missing image.
   * @throws HoyError "invalid".
   */
  findOther(ref: string): Container {
    const container = this.tryFind(ref);
    if (container === undefined) throw new HoyError("invalid", `No such container: ${ref}`);
    return container;
  }

  nameTaken(name: string): boolean {
    return this.#idByName.has(name);
  }

  /**
   * Takes a name for an id before there is a row; synchronous, so two creates can't both get it.
   * @throws HoyError "conflict" with Docker's words.
   */
  reserve(name: string, id: string): void {
    const owner = this.#idByName.get(name);
    if (owner !== undefined && owner !== id) {
      throw new HoyError(
        "conflict",
        `Conflict. The container name "/${name}" is already in use by container "${owner}". ` +
          "You have to remove (or rename) that container to be able to reuse that name.",
      );
    }
    this.#idByName.set(name, id);
  }

  release(name: string, id: string): void {
    if (this.#idByName.get(name) === id) this.#idByName.delete(name);
  }

  /** Makes it known and its row durable. The name is reserved already. */
  add(container: Container): void {
    this.#byId.set(container.id, container);
    this.save(container);
  }

  /** Writes the whole rows, and everything else that waits; on return it is on disk. */
  save(...containers: readonly Container[]): void {
    for (const container of containers) this.#put.add(container);
    this.flush(true);
  }

  /** Writes the state soon. */
  touch(container: Container): void {
    this.#touched.add(container);
    this.schedule();
  }

  /** Removes the row and the name. After a power cut it may be there again, without its files: then it goes for good. */
  remove(container: Container): void {
    this.#byId.delete(container.id);
    this.release(container.name, container.id);
    this.#put.delete(container);
    this.#touched.delete(container);
    this.#removed.add(container.id);
    this.flush();
  }

  /** Writes what waits and then nothing any more: the database goes to the next engine. */
  close(): void {
    this.flush(true);
    this.#closed = true;
  }

  schedule(): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      try {
        this.flush();
      } catch (error) {
        log.error("the state could not be written", { error });
      }
    }, SOON_MS);
  }

  /**
   * Writes what waits. What could not be written waits on, and is tried again with the next change.
   * @param durable wait for the disk
   */
  flush(durable = false): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#closed) return;
    const states = [...this.#touched].filter((container) => !this.#put.has(container));
    const events = this.#events?.takeUnsaved() ?? [];
    if (this.#put.size + states.length + this.#removed.size + events.length === 0) return;
    try {
      this.#table.write({ put: this.#put, states, removed: this.#removed, events }, durable);
    } catch (error) {
      throw new HoyError("internal", `the state could not be written: ${String(error)}`, {
        cause: error,
        hint: "is the disk full?",
      });
    }
    this.#put.clear();
    this.#touched.clear();
    this.#removed.clear();
  }

  #withPrefix(prefix: string): Container[] {
    const found: Container[] = [];
    for (const [id, container] of this.#byId) {
      if (id.startsWith(prefix)) found.push(container);
      if (found.length === 2) break;
    }
    return found;
  }
}
