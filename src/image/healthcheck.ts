// HEALTHCHECK's arguments: `NONE`, or `[--interval=30s …] CMD command`. Durations become nanoseconds, as the config
// has them (BuildKit, instructions/parse.go).

import { HoyError } from "../base/error.ts";
import type { HealthCheck } from "./config.ts";

const DURATIONS: Readonly<Record<string, "Interval" | "Timeout" | "StartPeriod" | "StartInterval">> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
};
const UNIT: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const SHORTEST = 1e6;

/** @throws HoyError "invalid" */
export function parseHealthcheck(text: string, jsonForm: (text: string) => string[] | undefined): HealthCheck {
  const check: { -readonly [K in keyof HealthCheck]: HealthCheck[K] } = {};
  let rest = text;
  for (let flag = /^--([a-z-]+)=(\S*)\s*/.exec(rest); flag !== null; flag = /^--([a-z-]+)=(\S*)\s*/.exec(rest)) {
    const [whole, name = "", value = ""] = flag;
    setFlag(check, name, value);
    rest = rest.slice(whole.length);
  }
  const [kind = ""] = /^\S+/.exec(rest) ?? [];
  const command = rest.slice(kind.length).trim();
  switch (kind.toUpperCase()) {
    case "NONE":
      if (command !== "") throw invalid("HEALTHCHECK NONE takes no arguments");
      return { Test: ["NONE"] };
    case "CMD": {
      if (command === "") throw invalid("Missing command after HEALTHCHECK CMD");
      const list = jsonForm(command);
      return { ...check, Test: list === undefined ? ["CMD-SHELL", command] : ["CMD", ...list] };
    }
    default:
      throw invalid(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`);
  }
}

function setFlag(check: { -readonly [K in keyof HealthCheck]: HealthCheck[K] }, name: string, value: string): void {
  const key = DURATIONS[name];
  if (key !== undefined) {
    const ns = parseDuration(value);
    if (ns !== 0 && ns < SHORTEST) throw invalid(`Interval ${JSON.stringify(name)} cannot be less than 1ms`);
    check[key] = ns;
    return;
  }
  if (name !== "retries") throw invalid(`unknown flag: ${name}`);
  if (!/^\d{1,9}$/.test(value)) throw invalid(`--retries must be a whole number, not ${JSON.stringify(value)}`);
  check.Retries = Number(value);
}

/** Go's time.ParseDuration for what is not negative. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d{1,12}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h)/g)];
  const whole = parts.map(([part]) => part).join("");
  if (whole !== text || text === "") throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
  return Math.round(parts.reduce((sum, [, value, unit = ""]) => sum + Number(value) * (UNIT[unit] ?? 0), 0));
}

function invalid(message: string): HoyError {
  return new HoyError("invalid", message);
}
