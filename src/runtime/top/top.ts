// `docker top`: the processes of a container as ps(1) of the host shows them. ps gets the user's arguments as they are,
// split at spaces, never through a shell; of what it prints only the lines of the container's own processes are given
// back. Without ps on the host, the default listing is read from /proc.

import { execFile } from "node:child_process";
import type { ContainerTopResponse } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { fullListing } from "./listing.ts";

export const DEFAULT_PS_ARGS = "-ef";

/** Bytes of ps's output: a host with 100,000 processes has less. */
const MOST_OUTPUT = 64 * 1024 * 1024;
const PATIENCE_MS = 10_000;

/**
 * @param pids as the daemon sees them, from the container's cgroup
 * @throws HoyError "invalid" for arguments that hide the pids, "internal" with ps's own words
 */
export async function top(
  pids: readonly number[],
  psArgs: string,
  signal?: AbortSignal,
): Promise<ContainerTopResponse> {
  const text = psArgs.trim() === "" ? DEFAULT_PS_ARGS : psArgs;
  checkPsArgs(text);
  const args = text.split(" ").filter((arg) => arg !== "");
  const first = await ps([...args, `-q${pids.join(",")}`], signal);
  if (first.kind === "missing") {
    if (text !== DEFAULT_PS_ARGS) {
      throw new HoyError("internal", 'exec: "ps": executable file not found in $PATH', {
        hint: "install procps on the host, or leave the options out",
      });
    }
    return await fullListing(pids);
  }
  // Some options (such as f) exclude -q: then ps tells of everybody.
  const output = first.kind === "printed" ? first : await ps(args, signal);
  if (output.kind !== "printed") {
    throw new HoyError("internal", `ps: ${output.kind === "failed" ? output.reason : "executable file not found"}`);
  }
  return parsePs(output.text, new Set(pids));
}

/** A renamed PID column would make every process look like a container's. @throws HoyError "invalid" */
export function checkPsArgs(text: string): void {
  for (const [, key = "", value = ""] of text.matchAll(/\s+(\S*)=\s*(PID\S*)/g)) {
    if (key !== "pid") throw new HoyError("invalid", `specifying "${key}=${value}" is not allowed`);
  }
}

type PsResult =
  | { readonly kind: "printed"; readonly text: string }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "missing" };

function ps(args: readonly string[], signal: AbortSignal | undefined): Promise<PsResult> {
  return new Promise((resolve) => {
    const options = {
      maxBuffer: MOST_OUTPUT,
      timeout: PATIENCE_MS,
      env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" },
    };
    execFile("ps", [...args], { ...options, ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: "printed", text: stdout });
      else if (error.code === "ENOENT") resolve({ kind: "missing" });
      else resolve({ kind: "failed", reason: stderr.split("\n")[0] || error.message });
    });
  });
}

/** @throws HoyError "internal" when there is no PID column */
export function parsePs(output: string, pids: ReadonlySet<number>): ContainerTopResponse {
  const [header = "", ...lines] = output.split("\n");
  const Titles = fields(header);
  const column = Titles.indexOf("PID");
  if (column < 0) throw new HoyError("internal", "Couldn't find PID field in ps output");
  const Processes: string[][] = [];
  let inContainer = false;
  for (const line of lines) {
    const row = fields(line);
    if (row.length === 0) continue;
    const pid = row[column] ?? "";
    // "-" in the PID column: a thread of the process above (option m).
    if (pid !== "-") {
      if (!/^[0-9]+$/.test(pid)) throw new HoyError("internal", `Unexpected pid '${pid}'`);
      inContainer = pids.has(Number(pid));
    }
    if (inContainer) Processes.push(joinRest(row, Titles.length));
  }
  return { Titles, Processes };
}

/** Only ASCII's white space parts fields: a command's name may hold others. */
function fields(line: string): string[] {
  return line.split(/[\t\n\f\r ]+/).filter((field) => field !== "");
}

/** The last column is the command, spaces and all. */
function joinRest(row: readonly string[], columns: number): string[] {
  return [...row.slice(0, columns - 1), row.slice(columns - 1).join(" ")];
}
