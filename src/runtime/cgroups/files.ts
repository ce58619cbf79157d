// Reading and writing the small files of a cgroup: flat-keyed and nested-keyed text (cgroup-v2.rst, "Format").
// A file that is not there, or whose cgroup went away meanwhile, reads as undefined.

import { constants } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { HoyError } from "../../base/error.ts";

const GONE = new Set(["ENOENT", "ENODEV", "ENOTSUP", "EOPNOTSUPP"]);

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

export async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (GONE.has(errorCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** "max" is Infinity. */
export function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "max") return Infinity;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

export async function readNumber(path: string): Promise<number | undefined> {
  return parseNumber(await readText(path));
}

/** `key value` lines. */
export async function readKeyed(path: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const line of ((await readText(path)) ?? "").split("\n")) {
    const [key = "", value] = line.split(" ");
    const number = parseNumber(value);
    if (number !== undefined) found.set(key, number);
  }
  return found;
}

/** @throws HoyError "invalid" naming the file: the kernel's EINVAL, ERANGE, EBUSY say no more than that */
export async function writeText(path: string, text: string): Promise<void> {
  try {
    // Not "r+": some files, cgroup.kill among them, may be opened for writing only.
    await writeFile(path, text, { flag: constants.O_WRONLY | constants.O_TRUNC });
  } catch (cause) {
    const code = errorCode(cause) ?? "";
    const why = code === "ENOENT" ? "the kernel has no such limit, or the container is gone" : code;
    throw new HoyError("invalid", `failed to write ${JSON.stringify(text)} to ${basename(path)}: ${why}`, { cause });
  }
}
