// Which host ids may be given to containers: the lines of /etc/subuid and /etc/subgid (subuid(5)) for one user, and
// the lines of everybody else, which are not ours to take.

import { readFile } from "node:fs/promises";

export interface SubIdLine {
  readonly owner: string;
  readonly start: number;
  readonly size: number;
}

/** Reads `name:start:count` lines; what is malformed or leaves 32 bits is passed over. */
export function parseSubIds(text: string): SubIdLine[] {
  const found: SubIdLine[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*([^:#\s][^:]*):([0-9]{1,10}):([0-9]{1,10})\s*$/.exec(line);
    if (!match) continue;
    const [, owner = "", start = "", size = ""] = match;
    const entry = { owner, start: Number(start), size: Number(size) };
    if (entry.size > 0 && entry.start + entry.size <= 2 ** 32 - 1) found.push(entry);
  }
  return found;
}

/** @returns no lines when the file does not exist. */
export async function readSubIds(path: string): Promise<SubIdLine[]> {
  try {
    return parseSubIds(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
