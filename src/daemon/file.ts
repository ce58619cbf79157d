// daemon.json: Docker's key names, read strictly. A key that is not known is an error that names the nearest known one:
// a mistyped key that is passed over is how a daemon comes to run without what its owner asked for.

import { readFileSync } from "node:fs";
import { HoyError } from "../base/error.ts";
import { nearest } from "../base/nearest.ts";
import { fileValue } from "./options/file-value.ts";
import { nameOf, type OptionValue } from "./options/option.ts";
import { byKey } from "./options/table.ts";

const LIMIT = 1024 * 1024;

/**
 * What the file sets, by the option's name. An absent file sets nothing unless it was asked for by name.
 * @throws HoyError "invalid" naming the file.
 */
export function readConfigFile(path: string, required: boolean): ReadonlyMap<string, OptionValue> {
  const text = readText(path, required);
  if (text === undefined || text.trim() === "") return new Map();
  try {
    return parseConfig(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = error instanceof HoyError ? error.hint : undefined;
    throw new HoyError("invalid", `unable to configure the daemon with file ${path}: ${why}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** @throws HoyError "invalid". */
export function parseConfig(text: string): ReadonlyMap<string, OptionValue> {
  const json = parseObject(text);
  const unknown = Object.keys(json).filter((key) => !byKey.has(key));
  if (unknown.length > 0) throw unknownKeys(unknown);
  const values = new Map<string, OptionValue>();
  for (const [key, value] of Object.entries(json)) {
    const option = byKey.get(key);
    if (option !== undefined) values.set(nameOf(option), fileValue(option, value));
  }
  return values;
}

function parseObject(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    // A byte order mark at the head is skipped, as encoding/json's callers in dockerd do.
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new HoyError("invalid", `not valid JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new HoyError("invalid", "must hold one JSON object");
  }
  return json as Record<string, unknown>;
}

function unknownKeys(unknown: readonly string[]): HoyError {
  const named = unknown.map((key) => {
    const near = nearest(key, byKey.keys());
    return near === undefined ? key : `${key} (did you mean ${near}?)`;
  });
  return new HoyError(
    "invalid",
    `the following directives don't match any configuration option: ${named.sort().join(", ")}`,
  );
}

function readText(path: string, required: boolean): string | undefined {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > LIMIT) throw new HoyError("invalid", `${path} is larger than ${LIMIT} bytes`);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof HoyError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT" && !required) return undefined;
    const why = cause instanceof TypeError ? "not UTF-8" : (cause as Error).message;
    throw new HoyError("invalid", `unable to read the configuration file ${path}: ${why}`, { cause });
  }
}
