// Lists of CPUs and memory nodes as the kernel writes them: "0-3,8" (cpuset(7), "List format").

import { HoyError } from "../../base/error.ts";

/** More CPUs than any kernel is built for; a larger number would only cost memory. */
const MOST = 8192;

/** @throws HoyError "invalid" with moby's words, without saying which option it was */
export function parseCpuList(text: string): Set<number> {
  const found = new Set<number>();
  if (text === "") return found;
  for (const part of text.split(",")) {
    const match = /^([0-9]{1,10})(?:-([0-9]{1,10}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first) throw new HoyError("invalid", `invalid format: ${text}`);
    if (last > MOST) throw new HoyError("invalid", `value of out range, maximum is ${MOST}`);
    for (let cpu = first; cpu <= last; cpu++) found.add(cpu);
  }
  return found;
}

/** @throws HoyError "invalid" when the list is none, or names what the host has not got */
export function checkCpuList(what: "cpus" | "mems", requested: string, available: string): void {
  let wanted: Set<number>;
  try {
    wanted = parseCpuList(requested);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HoyError("invalid", `Invalid value ${requested} for cpuset ${what}: ${why}`, { cause });
  }
  const there = parseCpuList(available);
  if ([...wanted].every((one) => there.has(one))) return;
  const name = what === "cpus" ? "CPUs" : "memory nodes";
  throw new HoyError(
    "invalid",
    `Requested ${name} are not available - requested ${requested}, available: ${available}`,
  );
}
