// --device, --device-cgroup-rule and --gpus.

import { posix } from "node:path";
import type { DeviceMapping, DeviceRequest } from "../../api/types/container.ts";
import { parseCsvRecord } from "../base/csv.ts";
import { UsageError } from "../base/errors.ts";
import { parseInteger } from "../base/numbers.ts";
import { cut } from "../base/text.ts";

/** "vendor/class=device": a name of the Container Device Interface, resolved by the engine. */
export function isCdiDevice(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]*\/[A-Za-z][A-Za-z0-9_-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*$/.test(text);
}

/** "/dev/a", "/dev/a:/dev/b", "/dev/a:rw", "/dev/a:/dev/b:rwm". @throws UsageError */
export function parseDevice(text: string): DeviceMapping {
  const parts = text.split(":");
  const [source = "", second, third] = parts;
  if (parts.length > 3 || source === "") throw new UsageError(`bad format for path: ${text}`);
  const modeSecond = parts.length === 2 && second !== undefined && isDeviceMode(second);
  const target = second === undefined || modeSecond ? source : second;
  if (third !== undefined && !isDeviceMode(third)) throw new UsageError(`bad mode specified: ${third}`);
  if (!posix.isAbsolute(target)) throw new UsageError(`${target} is not an absolute path`);
  const clean = parts.length === 3 ? target : cleanPath(target);
  const onHost = second === undefined || modeSecond ? clean : source;
  const permissions = third ?? (modeSecond && second !== undefined ? second : "rwm");
  return { PathOnHost: onHost, PathInContainer: clean, CgroupPermissions: permissions };
}

function isDeviceMode(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}

function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, "") : normal;
}

/** "c 1:3 rwm". @throws UsageError */
export function checkDeviceCgroupRule(text: string): string {
  if (/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text)) return text;
  throw new UsageError(`invalid device cgroup format '${text}'`);
}

/** "all", "2", "device=0,capabilities=utility". @throws UsageError */
export function parseGpuRequest(text: string): DeviceRequest {
  const request: DeviceRequest = { Driver: "", Count: 0, Capabilities: [["gpu"]], Options: {} };
  const seen = new Set<string>();
  for (const field of parseCsvRecord(text)) {
    const [key, value] = cut(field, "=");
    if (seen.has(key)) throw new UsageError(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (!field.includes("=")) {
      seen.add("count");
      request.Count = parseCount(key);
    } else {
      setGpuField(request, key, value, field);
    }
  }
  if (!seen.has("count") && request.DeviceIDs === undefined) request.Count = 1;
  return request;
}

function setGpuField(request: DeviceRequest, key: string, value: string, field: string): void {
  switch (key) {
    case "driver":
      request.Driver = value;
      return;
    case "count":
      request.Count = parseCount(value);
      return;
    case "device":
      request.DeviceIDs = value.split(",");
      return;
    case "capabilities":
      request.Capabilities = [[...value.split(","), "gpu"]];
      return;
    case "options":
      request.Options = Object.fromEntries(parseCsvRecord(value).map((pair) => cut(pair, "=")));
      return;
    default:
      throw new UsageError(`unexpected key '${key}' in '${field}'`);
  }
}

function parseCount(text: string): number {
  if (text === "all") return -1;
  try {
    return parseInteger(text, { base: 10 });
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    const why = thrown.message.replace(/^.*: /, "");
    throw new UsageError(`invalid count (${text}): value must be either "all" or an integer: ${why}`);
  }
}
