// One value of an option as it is written on the command line, checked. Options that may be given several times add
// to what was given before. Errors are in the words of dockerd's flag parser: invalid argument "x" for "--y" flag: why.

import { parseBytes } from "../../base/bytes.ts";
import { HoyError } from "../../base/error.ts";
import type { Option, OptionValue, UlimitValue } from "./option.ts";

/** @throws HoyError "invalid". */
export function flagValue(option: Option, text: string, before: OptionValue | undefined): OptionValue {
  const refuse = (why: string): never => {
    throw new HoyError("invalid", `invalid argument ${JSON.stringify(text)} for "${flagName(option)}" flag: ${why}`);
  };
  switch (option.type) {
    case "bool":
      return readBool(text) ?? refuse("not a boolean (true or false)");
    case "string":
      if (option.choices !== undefined && !option.choices.includes(text)) {
        refuse(`must be one of ${option.choices.filter((choice) => choice !== "").join(", ")}`);
      }
      return text;
    case "int":
      return /^-?\d{1,15}$/.test(text) ? Number(text) : refuse("not a whole number");
    case "bytes":
      return parseBytes(text) ?? refuse("not a size in bytes, such as 64m");
    case "list":
      return [...(Array.isArray(before) ? (before as readonly string[]) : []), text];
    case "map": {
      const [key, value] = pair(text) ?? refuse("not key=value");
      return { ...(before as Record<string, string> | undefined), [key]: value };
    }
    case "mapmap": {
      const [driver, rest] = pair(text) ?? refuse("not driver=key=value");
      const [key, value] = pair(rest) ?? refuse("not driver=key=value");
      const all = (before ?? {}) as Record<string, Record<string, string>>;
      return { ...all, [driver]: { ...all[driver], [key]: value } };
    }
    case "ulimits":
      return [...((before ?? []) as readonly UlimitValue[]), readUlimit(text) ?? refuse("not name=soft[:hard]")];
    case "runtimes": {
      const [name, path] = pair(text) ?? refuse("not name=path");
      return { ...(before as object | undefined), [name]: { path, args: [] } };
    }
    case "pools": {
      const pool = readPool(text) ?? refuse("not base=CIDR,size=N");
      return [...((before ?? []) as readonly { base: string; size: number }[]), pool];
    }
    case "flags":
    case "object":
      return refuse("only in the configuration file");
  }
}

export function flagName(option: Option): string {
  return option.short === undefined ? `--${option.flag}` : `-${option.short}, --${option.flag}`;
}

/** As Go's strconv.ParseBool. */
export function readBool(text: string): boolean | undefined {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  return undefined;
}

function pair(text: string): [string, string] | undefined {
  const at = text.indexOf("=");
  return at <= 0 ? undefined : [text.slice(0, at), text.slice(at + 1)];
}

function readUlimit(text: string): UlimitValue | undefined {
  const found = /^([a-z]+)=(-?\d{1,15})(?::(-?\d{1,15}))?$/.exec(text);
  if (found === null) return undefined;
  const [, name = "", soft = "", hard = soft] = found;
  return { name, soft: Number(soft), hard: Number(hard) };
}

function readPool(text: string): { base: string; size: number } | undefined {
  const fields = new Map(text.split(",").map((field) => pair(field) ?? [field, ""]));
  const base = fields.get("base");
  const size = fields.get("size");
  if (base === undefined || size === undefined || !/^\d{1,3}$/.test(size) || fields.size !== 2) return undefined;
  return { base, size: Number(size) };
}
