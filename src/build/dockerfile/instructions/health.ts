// HEALTHCHECK: `NONE`, or options and `CMD command` in either form. Durations become nanoseconds, as the config has them.

import type { HealthCheck } from "../../../image/config.ts";
import { parseDuration } from "../../../image/healthcheck.ts";
import { Fault } from "../fault.ts";
import type { Instruction } from "../parse.ts";
import { type Flags, readFlags } from "./flags.ts";
import type { Health, Place } from "./types.ts";

const FLAGS = {
  interval: "string",
  timeout: "string",
  "start-period": "string",
  "start-interval": "string",
  retries: "string",
} as const;

const SHORTEST_NS = 1e6;

export function readHealth(instruction: Instruction, place: Place): Health {
  const [word, ...command] = instruction.args;
  if (word === undefined) throw new Fault("HEALTHCHECK requires at least one argument");
  const type = word.toUpperCase();
  if (type === "NONE") {
    if (command.length > 0) throw new Fault("HEALTHCHECK NONE takes no arguments");
    return { ...place, kind: "HEALTHCHECK", check: { Test: ["NONE"] } };
  }
  const flags = readFlags(instruction.flags, FLAGS);
  if (type !== "CMD") throw new Fault(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  if (command.length === 0) throw new Fault("Missing command after HEALTHCHECK CMD");
  const check: HealthCheck = {
    Test: [instruction.json ? "CMD" : "CMD-SHELL", ...command],
    ...interval("Interval", "interval", flags),
    ...interval("Timeout", "timeout", flags),
    ...interval("StartPeriod", "start-period", flags),
    ...interval("StartInterval", "start-interval", flags),
    ...retries(flags),
  };
  return { ...place, kind: "HEALTHCHECK", check };
}

/** Zero is as good as not said. */
function interval(key: keyof HealthCheck, name: keyof typeof FLAGS, flags: Flags): Partial<HealthCheck> {
  const text = flags.text(name);
  if (text === "") return {};
  const isNegative = text.startsWith("-");
  const span = parseDuration(text.replace(/^[-+]/, ""));
  if (span === 0) return {};
  if (isNegative || span < SHORTEST_NS) throw new Fault(`Interval "${name}" cannot be less than 1ms`);
  return { [key]: span };
}

const MAX_INT32 = 0x7fff_ffff;

function retries(flags: Flags): Partial<HealthCheck> {
  const text = flags.text("retries");
  if (text === "") return {};
  const parse = `strconv.ParseInt: parsing ${JSON.stringify(text)}`;
  if (!/^[-+]?\d+$/.test(text)) throw new Fault(`${parse}: invalid syntax`);
  const number = Number(text);
  if (Math.abs(number) > MAX_INT32) throw new Fault(`${parse}: value out of range`);
  if (number < 0) throw new Fault(`--retries cannot be negative (${number})`);
  return number === 0 ? {} : { Retries: number };
}
