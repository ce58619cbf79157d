// RUN --mount=type=…,key=value: read twice, as its values may hold variables. At first only `from` is known, which may
// not, since what a stage depends on must not depend on its variables; the rest when the instruction is carried out.
// Keys and errors: BuildKit, frontend/dockerfile/instructions/commands_runmount.go.

import { Fault, withSuggestion } from "../fault.ts";
import { readCsv } from "./csv.ts";
import type { MountType, RunMount } from "./types.ts";
import { parseBool, parseSize } from "./values.ts";

type Draft = { -readonly [K in keyof RunMount]: RunMount[K] };
type Expand = (word: string) => string;

const TYPES: readonly MountType[] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const SHARING = ["shared", "private", "locked"] as const;
const KEYS =
  "type from source target readonly id sharing required size mode uid gid src dst destination ro rw readwrite env".split(
    " ",
  );

/** Where a mount's files are from: a stage, an image, a named context, or "". @throws Fault */
export function mountSource(text: string): string {
  let from = "";
  for (const field of fieldsOf(text)) {
    const { key, value } = split(field);
    if (key !== "from" || value === undefined) continue;
    const dollar = value.indexOf("$");
    if (dollar >= 0 && dollar !== value.length - 1) {
      throw new Fault(`'${key}' doesn't support variable expansion, define alias stage instead`);
    }
    from = value;
  }
  return from;
}

/** @throws Fault */
export function readMount(text: string, expand: Expand): RunMount {
  const mount: Draft = {
    type: "bind",
    from: "",
    source: "",
    target: "",
    readonly: false,
    size: 0,
    id: "",
    sharing: undefined,
    required: false,
    env: undefined,
    mode: undefined,
    uid: undefined,
    gid: undefined,
  };
  let isReadonly: boolean | undefined;
  for (const field of fieldsOf(text)) {
    const { key, value } = split(field);
    const access = accessOf(key, value === undefined ? undefined : expand(value));
    if (access !== undefined) isReadonly = access;
    else if (value === undefined) setSwitch(mount, key, field);
    else setKey(mount, key, expand(value), field);
  }
  mount.readonly = isReadonly ?? (mount.type !== "cache" && mount.type !== "tmpfs");
  check(mount);
  return mount;
}

function fieldsOf(text: string): string[] {
  try {
    return readCsv(text);
  } catch (error) {
    if (error instanceof Fault) throw new Fault(`failed to parse csv mounts: ${error.message}`);
    throw error;
  }
}

function split(field: string): { key: string; value: string | undefined } {
  const sign = field.indexOf("=");
  if (sign < 0) return { key: field.toLowerCase(), value: undefined };
  return { key: field.slice(0, sign).toLowerCase(), value: field.slice(sign + 1) };
}

/** Whether the key makes it read-only; undefined: it is none of those keys. */
function accessOf(key: string, value: string | undefined): boolean | undefined {
  if (key === "readonly" || key === "ro") return value === undefined || needBool(key, value);
  if (key === "readwrite" || key === "rw") return !(value === undefined || needBool(key, value));
  return undefined;
}

function setSwitch(mount: Draft, key: string, field: string): void {
  if (key !== "required") throw new Fault(`invalid field '${field}' must be a key=value pair`);
  onlyFor(mount, key, ["secret", "ssh"]);
  mount.required = true;
}

function setKey(mount: Draft, key: string, value: string, field: string): void {
  switch (key) {
    case "type":
      mount.type = oneOf(value, TYPES, `unsupported mount type ${JSON.stringify(value)}`);
      return;
    case "sharing":
      mount.sharing = oneOf(value, SHARING, `unsupported sharing value ${JSON.stringify(value)}`);
      return;
    case "from":
      mount.from = value;
      return;
    case "source":
    case "src":
      mount.source = value;
      return;
    case "target":
    case "dst":
    case "destination":
      mount.target = value;
      return;
    case "required":
      onlyFor(mount, key, ["secret", "ssh"]);
      mount.required = needBool(key, value);
      return;
    case "size":
      onlyFor(mount, key, ["tmpfs"]);
      mount.size = parseSize(value) ?? invalidValue(key, value);
      return;
    case "id":
      mount.id = value;
      return;
    case "env":
      mount.env = value;
      return;
    case "mode":
    case "uid":
    case "gid":
      mount[key] = parseNumber(key, value);
      return;
    default:
      throw new Fault(withSuggestion(`unexpected key '${key}' in '${field}'`, key, KEYS));
  }
}

function check(mount: Draft): void {
  const { type, sharing } = mount;
  if (type === "bind" || type === "tmpfs") {
    for (const key of ["mode", "uid", "gid"] as const) {
      if (mount[key] !== undefined) throw new Fault(`${key} not allowed for "${type}" type mounts`);
    }
  }
  if (type === "secret") {
    if (mount.from !== "") throw new Fault("secret mount should not have a from");
    if (sharing !== undefined) throw new Fault("secret mount should not define sharing");
    if (mount.source === "" && mount.target === "" && mount.id === "") {
      throw new Fault("invalid secret mount. one of source, target required");
    }
    if (mount.source !== "" && mount.id !== "") throw new Fault("both source and id can't be set");
  }
  if (sharing !== undefined && type !== "cache") throw new Fault(`invalid cache sharing set for ${type} mount`);
}

function onlyFor(mount: Draft, key: string, types: readonly MountType[]): void {
  if (!types.includes(mount.type)) throw new Fault(`unexpected key '${key}' for mount type '${mount.type}'`);
}

function oneOf<T extends string>(value: string, known: readonly T[], message: string): T {
  const lower = value.toLowerCase();
  const found = known.find((one) => one === lower);
  if (found === undefined) throw new Fault(withSuggestion(message, value, known));
  return found;
}

function needBool(key: string, value: string): boolean {
  return parseBool(value) ?? invalidValue(key, value);
}

function invalidValue(key: string, value: string): never {
  throw new Fault(`invalid value for ${key}: ${value}`);
}

const MAX_UINT32 = 0xffff_ffff;

function parseNumber(key: "mode" | "uid" | "gid", value: string): number {
  const octal = key === "mode";
  const number = (octal ? /^[0-7]{1,12}$/ : /^\d{1,10}$/).test(value) ? Number.parseInt(value, octal ? 8 : 10) : -1;
  if (number < 0 || number > MAX_UINT32) throw new Fault(`invalid value ${value} for ${key}`);
  return number;
}
