// The header with which the engine tells of a path in a container: base64 of a JSON object.

import { HoyError } from "../../base/error.ts";
import type { PathStat } from "../backend.ts";

/** @throws HoyError "unavailable" when the header is missing or is not what it should be. */
export function pathStatOf(headers: ReadonlyMap<string, string>): PathStat {
  const text = headers.get("x-docker-container-path-stat");
  if (text === undefined) throw new HoyError("unavailable", "the engine did not say what is at the path");
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64").toString("utf8"));
  } catch (cause) {
    throw new HoyError("unavailable", "the engine said badly what is at the path", { cause });
  }
  const { name, size, mode, mtime, linkTarget } = value as Partial<PathStat>;
  if (typeof name !== "string" || typeof size !== "number" || typeof mode !== "number") {
    throw new HoyError("unavailable", "the engine said badly what is at the path");
  }
  return { name, size, mode, mtime: mtime ?? "", linkTarget: linkTarget ?? "" };
}
