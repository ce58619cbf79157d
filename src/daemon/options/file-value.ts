// One value of an option as daemon.json has it, checked strictly: the type that Docker's file has and no other.

import { parseBytes } from "../../base/bytes.ts";
import { HoyError } from "../../base/error.ts";
import type { Option, OptionValue, RuntimeValue, UlimitValue } from "./option.ts";

/** @throws HoyError "invalid" naming the key and what it must be. */
export function fileValue(option: Option, value: unknown): OptionValue {
  const wrong = (what: string): never => {
    throw new HoyError("invalid", `"${option.key}" must be ${what}, not ${describe(value)}`);
  };
  switch (option.type) {
    case "bool":
      return typeof value === "boolean" ? value : wrong("true or false");
    case "string":
      if (typeof value !== "string") return wrong("a string");
      if (option.choices !== undefined && !option.choices.includes(value)) {
        return wrong(`one of ${option.choices.filter((choice) => choice !== "").join(", ")}`);
      }
      return value;
    case "int":
      return Number.isSafeInteger(value) ? (value as number) : wrong("a whole number");
    case "bytes":
      if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
      return (typeof value === "string" ? parseBytes(value) : undefined) ?? wrong('a size, such as "64M"');
    case "list":
      return isStrings(value) ? value : wrong("a list of strings");
    case "map":
      return isStringMap(value) ? value : wrong("an object of strings");
    case "mapmap":
      return isObject(value) && Object.values(value).every(isStringMap)
        ? (value as Record<string, Record<string, string>>)
        : wrong("an object of objects of strings");
    case "flags":
      return isObject(value) && Object.values(value).every((flag) => typeof flag === "boolean")
        ? (value as Record<string, boolean>)
        : wrong("an object of true or false");
    case "ulimits":
      return (
        readUlimits(value) ?? wrong('an object such as {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 2048}}')
      );
    case "runtimes":
      return readRuntimes(value) ?? wrong('an object such as {"name": {"path": "/usr/bin/runc", "runtimeArgs": []}}');
    case "pools":
      return readPools(value) ?? wrong('a list such as [{"base": "10.0.0.0/8", "size": 24}]');
    case "object":
      return isObject(value) ? value : wrong("an object");
  }
}

function readUlimits(value: unknown): UlimitValue[] | undefined {
  if (!isObject(value)) return undefined;
  const all: UlimitValue[] = [];
  for (const [name, limit] of Object.entries(value)) {
    if (!isObject(limit) || !onlyKeys(limit, ["Name", "Soft", "Hard"])) return undefined;
    const { Name, Soft, Hard } = limit;
    if (Name !== undefined && Name !== name) return undefined;
    if (!Number.isSafeInteger(Soft) || !Number.isSafeInteger(Hard)) return undefined;
    all.push({ name, soft: Soft as number, hard: Hard as number });
  }
  return all;
}

function readRuntimes(value: unknown): Record<string, RuntimeValue> | undefined {
  if (!isObject(value)) return undefined;
  const all: Record<string, RuntimeValue> = {};
  for (const [name, runtime] of Object.entries(value)) {
    if (!isObject(runtime) || !onlyKeys(runtime, ["path", "runtimeArgs"])) return undefined;
    const { path, runtimeArgs = [] } = runtime;
    if (typeof path !== "string" || path === "" || !isStrings(runtimeArgs)) return undefined;
    all[name] = { path, args: runtimeArgs };
  }
  return all;
}

function readPools(value: unknown): { base: string; size: number }[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const all: { base: string; size: number }[] = [];
  for (const pool of value) {
    if (!isObject(pool) || !onlyKeys(pool, ["base", "size"])) return undefined;
    if (typeof pool.base !== "string" || !Number.isSafeInteger(pool.size)) return undefined;
    all.push({ base: pool.base, size: pool.size as number });
  }
  return all;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isStringMap(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((item) => typeof item === "string");
}

function onlyKeys(value: Record<string, unknown>, keys: readonly string[]): boolean {
  return Object.keys(value).every((key) => keys.includes(key));
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
