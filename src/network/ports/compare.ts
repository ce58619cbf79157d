// What changes when a running container is to have other ports: which of those it has stay, which go, which are missing.

import type { PublishedPort } from "./host-ports.ts";
import type { PortWish } from "./request.ts";

export interface PortChanges {
  readonly kept: readonly PublishedPort[];
  readonly gone: readonly PublishedPort[];
  readonly missing: readonly PortWish[];
}

const ANY: readonly string[] = ["0.0.0.0", "::"];

/** A wish takes the first port that fits it; wishes for one number choose before those that take any. */
export function comparePorts(ports: readonly PublishedPort[], wishes: readonly PortWish[]): PortChanges {
  const kept: PublishedPort[] = [];
  const missing: PortWish[] = [];
  let gone = [...ports];
  for (const wish of wishes.toSorted((a, b) => breadth(a) - breadth(b))) {
    const found = gone.find((port) => fits(port, wish));
    if (found === undefined) {
      missing.push(wish);
      continue;
    }
    // "All addresses" are two: one of each family.
    const taken = gone.filter((port) => port.hostPort === found.hostPort && fits(port, wish));
    kept.push(...taken);
    gone = gone.filter((port) => !taken.includes(port));
  }
  return { kept, gone, missing };
}

function breadth({ first, last }: PortWish): number {
  return first === 0 ? 65_536 : last - first;
}

function fits(port: PublishedPort, wish: PortWish): boolean {
  if (port.protocol !== wish.protocol || port.containerPort !== wish.containerPort) return false;
  if (wish.hostIp === "" ? !ANY.includes(port.hostIp) : port.hostIp !== wish.hostIp) return false;
  return wish.first === 0 || (port.hostPort >= wish.first && port.hostPort <= wish.last);
}
