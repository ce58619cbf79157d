// The chain FORWARD of the older iptables, which nftables does not show: what is needed of it to tell whether it is in the way.
// Read by the socket options that iptables-legacy itself reads by; nothing is ever set, and a table that is not there is not
// made by the look. Layouts: <linux/netfilter_ipv4/ip_tables.h>, <linux/netfilter_ipv6/ip6_tables.h>, x_tables.h.

import { closeSync, readFileSync } from "node:fs";
import { check, isErrno, libc } from "./libc.ts";

/** Sizes and places in bytes: `ip` of struct ipt_ip, `entry` of struct ipt_entry, the rest within an entry. */
const LAYOUT = {
  4: { names: "ip", domain: 2, level: 0, ip: 84, in: 16, out: 32, target: 88, next: 90, entry: 112 },
  6: { names: "ip6", domain: 10, level: 41, ip: 136, in: 64, out: 80, target: 140, next: 142, entry: 168 },
} as const;
const GET = { INFO: 64, ENTRIES: 65 } as const;
const INFO = { size: 84, entries: 80, hook: 36, underflow: 56 } as const;
const ENTRIES_HEADER = 40;
const FORWARD = 2;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const IPPROTO_RAW = 255;
const IFNAMSIZ = 16;
const VERDICT = { DROP: -1, ACCEPT: -2 } as const;

const calls = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
});

export interface LegacyForward {
  /** By its policy, or by a last rule for everything. */
  readonly drops: boolean;
  /** Interfaces that some rule of the table accepts, or leads to a chain of its own. */
  readonly lets: readonly string[];
}

/** Whether a table `filter` of that family has been made, in the calling thread's network namespace. */
export function hasLegacyFilter(family: 4 | 6): boolean {
  try {
    return readFileSync(`/proc/thread-self/net/${LAYOUT[family].names}_tables_names`, "utf8")
      .split("\n")
      .includes("filter");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** undefined: there is no such table. In the calling thread's network namespace. @throws SystemError. */
export function legacyForward(family: 4 | 6): LegacyForward | undefined {
  if (!hasLegacyFilter(family)) return undefined;
  const { domain, level } = LAYOUT[family];
  const fd = check(calls().socket(domain, SOCK_RAW_CLOEXEC, IPPROTO_RAW), "socket", "iptables");
  try {
    const info = option(fd, level, GET.INFO, INFO.size);
    const size = info.getUint32(INFO.entries, true);
    const entries = option(fd, level, GET.ENTRIES, ENTRIES_HEADER + size, size);
    const table = new DataView(entries.buffer, ENTRIES_HEADER, size);
    const place = (at: number) => info.getUint32(at + 4 * FORWARD, true);
    return readForward(family, table, place(INFO.hook), place(INFO.underflow));
  } finally {
    closeSync(fd);
  }
}

/** struct ipt_getinfo, or struct ipt_get_entries, which is asked for with the size that the first one told. */
function option(fd: number, level: number, name: number, length: number, size = 0): DataView {
  const bytes = new Uint8Array(length);
  bytes.set(new TextEncoder().encode("filter"));
  const view = new DataView(bytes.buffer);
  if (size > 0) view.setUint32(32, size, true);
  check(calls().getsockopt(fd, level, name, bytes, Uint32Array.of(length)), "getsockopt", "iptables");
  return view;
}

/** @param first, policy where the chain begins, and where its policy stands as a rule. @throws RangeError. */
function readForward(family: 4 | 6, table: DataView, first: number, policy: number): LegacyForward {
  const layout = LAYOUT[family];
  const lets = new Set<string>();
  let drops = verdict(table, policy + table.getUint16(policy + layout.target, true)) === VERDICT.DROP;
  for (let at = 0, next = 0; at < table.byteLength; at = next) {
    next = at + table.getUint16(at + layout.next, true);
    if (next <= at) throw new RangeError("bad length of an iptables rule");
    const target = at + table.getUint16(at + layout.target, true);
    const decided = verdict(table, target);
    const refuses = decided === VERDICT.DROP || text(table, target + 2, 29) === "REJECT";
    if (decided !== undefined && (decided === VERDICT.ACCEPT || decided >= 0))
      for (const side of [layout.in, layout.out]) lets.add(text(table, at + side, IFNAMSIZ));
    const everything = target === at + layout.entry && isZero(table, at, layout.ip);
    if (at >= first && next === policy && everything && refuses) drops = true;
  }
  lets.delete("");
  return { drops, lets: [...lets] };
}

/** Of a standard target; one of 0 or more leads to a chain. undefined: it is another target. */
function verdict(table: DataView, target: number): number | undefined {
  return text(table, target + 2, 29) === "" ? table.getInt32(target + 32, true) : undefined;
}

function text(table: DataView, at: number, length: number): string {
  const bytes = new Uint8Array(table.buffer, table.byteOffset + at, length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function isZero(table: DataView, at: number, length: number): boolean {
  return new Uint8Array(table.buffer, table.byteOffset + at, length).every((byte) => byte === 0);
}
