// Values of --ulimit, --cpus, --blkio-weight-device and the --device-*-bps/iops family.

import { UsageError } from "../base/errors.ts";
import { parseInteger } from "../base/numbers.ts";
import { cut } from "../base/text.ts";
import { parseBytes } from "../format/units.ts";

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

const ULIMITS = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

/** "nofile=1024:2048"; -1 is unlimited. @throws UsageError */
export function parseUlimit(text: string): Ulimit {
  if (!text.includes("=")) throw new UsageError(`invalid ulimit argument: ${text}`);
  const [name, limits] = cut(text, "=");
  if (!ULIMITS.has(name)) throw new UsageError(`invalid ulimit type: ${name}`);
  const parts = limits.split(":");
  if (parts.length > 2)
    throw new UsageError(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  const hard = parts[1] === undefined ? undefined : parseInteger(parts[1], { base: 10 });
  const soft = parseInteger(parts[0] ?? "", { base: 10 });
  const top = hard ?? soft;
  if (top !== -1 && soft === -1)
    throw new UsageError(
      `ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: ${top}`,
    );
  if (top !== -1 && soft > top)
    throw new UsageError(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${top}`);
  return { Name: name, Soft: soft, Hard: top };
}

/** "1.5", "1/2", "5e-1" CPUs as billionths. @throws UsageError */
export function parseCpus(text: string): number {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?(?:\/(\d+))?$/.exec(text);
  const [, sign, whole = "", fraction = "", exponent = "0", divisor] = match ?? [];
  const fractionOnly = divisor !== undefined && (text.includes(".") || /[eE]/.test(text));
  if (match === null || whole + fraction === "" || fractionOnly || divisor === "0")
    throw new UsageError(`failed to parse ${text} as a rational number`);
  const power = Number(exponent) - fraction.length + 9;
  const numerator = BigInt(whole + fraction) * (power > 0 ? 10n ** BigInt(power) : 1n);
  const denominator = BigInt(divisor ?? "1") * (power < 0 ? 10n ** BigInt(-power) : 1n);
  if (numerator % denominator !== 0n) throw new UsageError("value is too precise");
  return Number(numerator / denominator) * (sign === "-" ? -1 : 1);
}

/** "/dev/sda:500": a weight of 10–1000, or 0. @throws UsageError */
export function parseWeightDevice(text: string): { Path: string; Weight: number } {
  const [path, value] = devicePath(text);
  const weight = unsigned(value, 16);
  if (weight === undefined || (weight > 0 && (weight < 10 || weight > 1000)))
    throw new UsageError(`invalid weight for device: ${text}`);
  return { Path: path, Weight: weight };
}

/** "/dev/sda:1mb": bytes per second. @throws UsageError */
export function parseBpsDevice(text: string): { Path: string; Rate: number } {
  const [path, value] = devicePath(text);
  try {
    return { Path: path, Rate: parseBytes(value) };
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    throw new UsageError(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
    );
  }
}

/** "/dev/sda:1000": operations per second. @throws UsageError */
export function parseIopsDevice(text: string): { Path: string; Rate: number } {
  const [path, value] = devicePath(text);
  const rate = unsigned(value, 64);
  if (rate === undefined)
    throw new UsageError(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  return { Path: path, Rate: rate };
}

function devicePath(text: string): [path: string, value: string] {
  const [path, value] = cut(text, ":");
  if (!text.includes(":") || path === "") throw new UsageError(`bad format: ${text}`);
  if (!path.startsWith("/dev/")) throw new UsageError(`bad format for device path: ${text}`);
  return [path, value];
}

function unsigned(text: string, bits: 16 | 64): number | undefined {
  try {
    return parseInteger(text, { base: 10, bits, signed: false });
  } catch (thrown) {
    if (thrown instanceof UsageError) return undefined;
    throw thrown;
  }
}
