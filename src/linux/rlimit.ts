// prlimit(2): resource limits of a process. Names as `ulimit` of Docker and the OCI runtime spec have them.
// Constants: include/uapi/asm-generic/resource.h (the same on x86-64, arm64 and riscv64).

import { check, libc } from "./libc.ts";

const RESOURCES = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;

export type ResourceName = keyof typeof RESOURCES;

export function isResourceName(name: string): name is ResourceName {
  return Object.hasOwn(RESOURCES, name);
}

/** undefined: no limit. */
export interface ResourceLimit {
  readonly soft: bigint | undefined;
  readonly hard: bigint | undefined;
}

const calls = libc({ prlimit: { args: ["i32", "i32", "ptr", "ptr"], returns: "i32" } });
const INFINITY = 2n ** 64n - 1n;

/** The limits of a process; pid 0 is this one. */
export function getResourceLimit(name: ResourceName, pid = 0): ResourceLimit {
  const values = new BigUint64Array(2);
  check(calls().prlimit(pid, RESOURCES[name], null, values), "prlimit", name);
  const value = (index: 0 | 1) => (values[index] === INFINITY ? undefined : (values[index] ?? 0n));
  return { soft: value(0), hard: value(1) };
}

/** @throws SystemError EPERM when the hard limit would rise without CAP_SYS_RESOURCE. */
export function setResourceLimit(name: ResourceName, limit: ResourceLimit, pid = 0): void {
  const values = new BigUint64Array([limit.soft ?? INFINITY, limit.hard ?? INFINITY]);
  check(calls().prlimit(pid, RESOURCES[name], values, null), "prlimit", name);
}
