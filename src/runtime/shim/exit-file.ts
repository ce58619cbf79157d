// exit.json: how the container ended, as the shim left it in the container's directory.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ExitStatus } from "../contract.ts";

/** Undefined when there is none, or it is not whole (the machine lost power between rename and write). */
export function readExitFile(state: string): ExitStatus | undefined {
  return readExit(join(state, "exit.json"));
}

/** As `readExitFile`, of a file by its name: an exec's. */
export function readExit(file: string): ExitStatus | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  return parseExit(text);
}

export function removeExitFile(state: string): void {
  rmSync(join(state, "exit.json"), { force: true });
}

function parseExit(text: string): ExitStatus | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (!("code" in value) || !("oomKilled" in value) || !("at" in value)) return undefined;
  const { code, oomKilled, at } = value;
  if (typeof code !== "number" || typeof oomKilled !== "boolean" || typeof at !== "string") return undefined;
  return { code, oomKilled, at };
}

/** RFC 3339 with nine digits of a time in ns since the epoch. */
export function timeText(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, "0")}Z`;
}
