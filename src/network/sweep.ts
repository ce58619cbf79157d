// Interfaces that a dead engine left, or that the kernel was slow to take away: ours by name and place, known to no row.

import { Netlink } from "../linux/netlink.ts";
import { deleteLink, type Link, listLinks } from "./link.ts";
import { rateDevice } from "./rate.ts";

/**
 * @param known Host interfaces of all endpoints that there are.
 * @param bridges Names of this engine's bridges: only their ports are looked at, since another engine may be here too.
 * @param group Which rate devices are this engine's; they are no ports of anything.
 */
export function sweepLinks(known: readonly string[], bridges: readonly string[], group: number): void {
  using socket = new Netlink();
  const kept = new Set([...known, ...known.map(rateDevice)]);
  const links = listLinks(socket);
  const ours = new Set(links.filter((link) => bridges.includes(link.name)).map((link) => link.index));
  for (const link of links) {
    const port = isHostInterface(link) && ours.has(link.master);
    const rate = link.kind === "ifb" && /^vi[0-9a-f]{11}$/.test(link.name) && link.group === group;
    if ((port || rate) && !kept.has(link.name)) deleteLink(socket, link.name);
  }
}

/** Is it, by kind and name, the host's end of a container's interface? */
export function isHostInterface({ kind, name }: Pick<Link, "kind" | "name">): boolean {
  return kind === "veth" && /^vh[0-9a-f]{11}$/.test(name);
}

/** Kernel threads take a veth away some time after its namespace has gone; only then is what is left a leak. */
const AFTER_MS = 3000;

/** Sweeps some time after a container's end. */
export class Sweeper {
  readonly #sweep: () => void;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(sweep: () => void) {
    this.#sweep = sweep;
  }

  later(): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#sweep();
    }, AFTER_MS).unref();
    this.#timers.add(timer);
  }

  /** What was put off is done at once. */
  close(): void {
    if (this.#timers.size > 0) this.#sweep();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
