// What `ps -ef` prints, from /proc (proc_pid_stat(5), proc_pid_cmdline(5)), for hosts without ps.

import { readFile } from "node:fs/promises";
import type { ContainerTopResponse } from "../../api/types/container.ts";
import { passwdEntries } from "../userns/passwd.ts";

const TICKS_PER_SECOND = 100;
/** Major numbers of terminals: Unix98 pseudo-terminals take 136…143. */
const FIRST_PTS = 136;
const LAST_PTS = 143;

/** Processes that end meanwhile are left out. */
export async function fullListing(pids: readonly number[]): Promise<ContainerTopResponse> {
  const names = new Map<number, string>();
  for (const entry of passwdEntries((await text("/etc/passwd")) ?? "")) {
    if (!names.has(entry.uid)) names.set(entry.uid, entry.name);
  }
  const boot = Number(/^btime ([0-9]+)$/m.exec((await text("/proc/stat")) ?? "")?.[1] ?? 0);
  const rows = await Promise.all(pids.map((pid) => row(pid, names, boot)));
  return {
    Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
    Processes: rows.filter((one) => one !== undefined),
  };
}

async function row(pid: number, names: ReadonlyMap<number, string>, boot: number): Promise<string[] | undefined> {
  const [stat, status, command] = await Promise.all(
    ["stat", "status", "cmdline"].map((file) => text(`/proc/${pid}/${file}`)),
  );
  const parsed = stat === undefined ? undefined : parseStat(stat);
  if (parsed === undefined) return undefined;
  const uid = Number(/^Uid:\s+[0-9]+\s+([0-9]+)/m.exec(status ?? "")?.[1] ?? 0);
  const now = Date.now() / 1000;
  const started = boot + parsed.startTicks / TICKS_PER_SECOND;
  const used = parsed.cpuTicks / TICKS_PER_SECOND;
  const args = (command ?? "").split("\0").filter((arg) => arg !== "");
  return [
    names.get(uid) ?? String(uid),
    String(pid),
    String(parsed.parent),
    String(Math.min(99, Math.floor((used / Math.max(1, now - started)) * 100))),
    startTime(started, now),
    terminal(parsed.terminal),
    clock(used),
    args.length > 0 ? args.join(" ") : `[${parsed.name}]`,
  ];
}

export interface ProcessStat {
  readonly name: string;
  readonly parent: number;
  readonly terminal: number;
  readonly cpuTicks: number;
  readonly startTicks: number;
}

/** The name stands in brackets and may hold anything, brackets too: the last one closes it. */
export function parseStat(line: string): ProcessStat | undefined {
  const open = line.indexOf("(");
  const close = line.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  // Field 3 of proc_pid_stat(5) is the first after the name.
  const rest = line.slice(close + 2).split(" ");
  const field = (number: number) => Number(rest[number - 3] ?? 0);
  return {
    name: line.slice(open + 1, close),
    parent: field(4),
    terminal: field(7),
    cpuTicks: field(14) + field(15),
    startTicks: field(22),
  };
}

/** As ps: the hour today, the day this year, else the year. */
function startTime(started: number, now: number): string {
  const [then, today] = [new Date(started * 1000), new Date(now * 1000)];
  const two = (value: number) => String(value).padStart(2, "0");
  if (then.toDateString() === today.toDateString()) return `${two(then.getHours())}:${two(then.getMinutes())}`;
  const month = then.toLocaleString("en-US", { month: "short" });
  return then.getFullYear() === today.getFullYear() ? `${month}${two(then.getDate())}` : String(then.getFullYear());
}

function terminal(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (device === 0) return "?";
  if (major >= FIRST_PTS && major <= LAST_PTS) return `pts/${(major - FIRST_PTS) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return major === 5 && minor === 1 ? "console" : "?";
}

function clock(seconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

async function text(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    const gone = error instanceof Error && "code" in error && ["ENOENT", "ESRCH"].includes(String(error.code));
    if (gone) return undefined;
    throw error;
  });
}
