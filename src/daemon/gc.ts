// "gc" in daemon.json: what is collected by itself.

import { parseBytes } from "../base/bytes.ts";
import { HoyError } from "../base/error.ts";
import type { GcSettings } from "../base/settings.ts";

const KEYS = [
  "images-unused-for",
  "images-keep-storage",
  "cache-unused-for",
  "cache-keep-storage",
  "keep-images",
  "every",
];
const UNIT_MS = { h: 3_600_000, m: 60_000, s: 1000 } as const;
const LEAST_MS = 60_000;

/** @throws HoyError "invalid" for an unknown key, a time that is not "720h", a size that is not "20GB". */
export function gcSettings(gc: Readonly<Record<string, string>>): GcSettings {
  for (const key of Object.keys(gc))
    if (!KEYS.includes(key)) throw invalid(`${JSON.stringify(key)} is none of ${KEYS.join(", ")}`);
  const every = duration(gc, "every");
  if (every !== undefined && every.ms < LEAST_MS) throw invalid('"every" is less than a minute');
  return {
    imagesUnusedFor: duration(gc, "images-unused-for")?.text,
    imagesKeepStorage: size(gc, "images-keep-storage"),
    cacheUnusedFor: duration(gc, "cache-unused-for")?.text,
    cacheKeepStorage: size(gc, "cache-keep-storage"),
    keepImages: (gc["keep-images"] ?? "").split(",").flatMap((pattern) => pattern.trim() || []),
    everyMs: every?.ms,
  };
}

function duration(gc: Readonly<Record<string, string>>, key: string): { text: string; ms: number } | undefined {
  const text = gc[key];
  if (text === undefined) return undefined;
  const parts = [...text.matchAll(/(\d{1,7})([hms])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw invalid(`${JSON.stringify(key)} must be a time such as "720h", not ${JSON.stringify(text)}`);
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS], 0);
  return { text, ms };
}

function size(gc: Readonly<Record<string, string>>, key: string): number | undefined {
  const text = gc[key];
  if (text === undefined) return undefined;
  const bytes = parseBytes(text);
  if (bytes === undefined)
    throw invalid(`${JSON.stringify(key)} must be a size such as "20GB", not ${JSON.stringify(text)}`);
  return bytes;
}

function invalid(why: string): HoyError {
  return new HoyError("invalid", `"gc": ${why}`);
}
