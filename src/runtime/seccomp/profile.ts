// Reads a seccomp profile in Docker's JSON form (what `--security-opt seccomp=FILE` sends): the OCI fields, with
// archMap, and with includes and excludes on each rule. The text comes from the client and is checked strictly.

import { HoyError } from "../../base/error.ts";
import type { OciSyscallRule } from "../oci.ts";
import type { Condition, ProfileRule, SeccompProfile } from "./rules.ts";

const MAX_PROFILE = 4 * 1024 * 1024;
const MAX_RULES = 10_000;

/** @throws HoyError "invalid", starting with moby's "Decoding seccomp profile failed" */
export function parseProfile(profileText: string): SeccompProfile {
  if (profileText.length > MAX_PROFILE) fail(`larger than ${MAX_PROFILE} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(profileText);
  } catch (cause) {
    throw new HoyError(
      "invalid",
      `Decoding seccomp profile failed: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    );
  }
  const profile = object(json, "profile");
  const archMap = list(profile.archMap, "archMap").map((one) => {
    const entry = object(one, "archMap");
    return {
      architecture: text(entry.architecture, "architecture"),
      subArchitectures: strings(entry.subArchitectures, "subArchitectures"),
    };
  });
  const architectures = strings(profile.architectures, "architectures");
  if (architectures.length > 0 && archMap.length > 0) {
    throw new HoyError(
      "invalid",
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  const rules = list(profile.syscalls, "syscalls");
  if (rules.length > MAX_RULES) fail(`more than ${MAX_RULES} rules`);
  const errno = optionalNumber(profile.defaultErrnoRet, "defaultErrnoRet");
  return {
    defaultAction: profile.defaultAction === undefined ? "" : text(profile.defaultAction, "defaultAction"),
    ...(errno !== undefined && { defaultErrnoRet: errno }),
    archMap,
    architectures,
    flags: strings(profile.flags, "flags"),
    rules: rules.map(parseRule),
  };
}

function parseRule(value: unknown): ProfileRule {
  const rule = object(value, "syscalls");
  const names = strings(rule.names, "names");
  if (rule.name !== undefined && rule.name !== "") {
    if (names.length > 0) {
      throw new HoyError(
        "invalid",
        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
      );
    }
    names.push(text(rule.name, "name"));
  }
  if (names.length === 0) fail("a rule without names");
  const args = list(rule.args, "args").map(parseArgument);
  const errnoRet = optionalNumber(rule.errnoRet, "errnoRet");
  const when = parseCondition(rule.includes, "includes");
  const unless = parseCondition(rule.excludes, "excludes");
  return {
    names,
    action: text(rule.action, "action"),
    ...(errnoRet !== undefined && { errnoRet }),
    ...(args.length > 0 && { args }),
    ...(when && { when }),
    ...(unless && { unless }),
  };
}

function parseArgument(value: unknown): NonNullable<OciSyscallRule["args"]>[number] {
  const argument = object(value, "args");
  const index = optionalNumber(argument.index, "index") ?? 0;
  if (index > 5) fail(`argument ${index}: a system call has six, 0 to 5`);
  const valueTwo = optionalNumber(argument.valueTwo, "valueTwo");
  return {
    index,
    value: optionalNumber(argument.value, "value") ?? 0,
    ...(valueTwo !== undefined && { valueTwo }),
    op: text(argument.op, "op"),
  };
}

function parseCondition(value: unknown, name: string): Condition | undefined {
  if (value === undefined || value === null) return undefined;
  const condition = object(value, name);
  const caps = strings(condition.caps, "caps");
  const arches = strings(condition.arches, "arches");
  const minKernel = parseKernel(condition.minKernel);
  return {
    ...(caps.length > 0 && { caps }),
    ...(arches.length > 0 && { arches }),
    ...(minKernel && { minKernel }),
  };
}

function parseKernel(value: unknown): [number, number] | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const match = typeof value === "string" ? /^([0-9]{1,3})\.([0-9]{1,3})$/.exec(value) : null;
  if (!match) return fail(`invalid kernel version: ${JSON.stringify(value)}, expected "<kernel>.<major>"`);
  return [Number(match[1]), Number(match[2])];
}

function object(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fail(`${name} is not an object`);
  return Object.fromEntries(Object.entries(value));
}

/** Go's JSON reads a null list as an empty one. */
function list(value: unknown, name: string): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : fail(`${name} is not a list`);
}

function strings(value: unknown, name: string): string[] {
  return list(value, name).map((one) => text(one, name));
}

function text(value: unknown, name: string): string {
  return typeof value === "string" ? value : fail(`${name} is not a string`);
}

function optionalNumber(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : fail(`${name} is not a number`);
}

function fail(why: string): never {
  throw new HoyError("invalid", `Decoding seccomp profile failed: ${why}`);
}
