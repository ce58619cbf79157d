// What makes a container's own config unacceptable, in Docker's words (moby daemon/container.go). Limits, namespaces
// and security options are the runtime's to check; mounts are read in mounts.ts.

import type { ContainerConfig, HealthConfig, HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { diskSize } from "./disk-size.ts";
import { checkRestartPolicy } from "./restart-policy.ts";
import { parseSignal } from "./signals.ts";

const MANY = 10_000;

/** @throws HoyError "invalid". */
export function checkConfig(config: ContainerConfig): void {
  checkLists(config);
  const { WorkingDir: directory = "" } = config;
  if (directory !== "" && !directory.startsWith("/")) {
    fail(`the working directory '${directory}' is invalid, it needs to be an absolute path`);
  }
  if (directory.includes("\0")) fail("the working directory must not contain a zero byte");
  for (const entry of config.Env ?? []) {
    if (entry === "" || entry.startsWith("=")) fail(`invalid environment variable: ${entry}`);
    if (entry.includes("\0")) fail("an environment variable must not contain a zero byte");
  }
  for (const word of [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]) {
    if (word.includes("\0")) fail("an argument of the command must not contain a zero byte");
  }
  if (config.StopSignal) parseSignal(config.StopSignal);
  for (const port of Object.keys(config.ExposedPorts ?? {})) checkPort(port);
  for (const path of Object.keys(config.Volumes ?? {})) {
    if (!path.startsWith("/")) fail(`invalid mount path: '${path}' mount path must be absolute`);
  }
  if (config.Hostname && (config.Hostname.length > 64 || /[\s/\0]/.test(config.Hostname))) {
    fail(`invalid hostname: ${config.Hostname.slice(0, 80)}`);
  }
  if (config.Healthcheck) checkHealth(config.Healthcheck);
}

/** What of the host config concerns the engine itself. @throws HoyError "invalid". */
export function checkPolicies(host: HostConfig): void {
  checkRestartPolicy(host.RestartPolicy ?? {});
  const policy = host.RestartPolicy?.Name ?? "";
  if (host.AutoRemove && policy !== "" && policy !== "no") {
    fail("can't create 'AutoRemove' container with restart policy");
  }
  diskSize(host.StorageOpt);
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    checkPort(port);
    for (const binding of bindings ?? []) {
      const text = binding.HostPort ?? "";
      const [first = "", last = first] = text.split("-");
      const valid = text === "" || [first, last].every((part) => /^\d{1,5}$/.test(part) && Number(part) <= 65535);
      if (!valid) fail(`invalid port specification: ${JSON.stringify(text)}`);
    }
  }
}

/** "80", "80/tcp", "53/udp", "7000-7010/tcp". */
function checkPort(text: string): void {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1] ?? Number.NaN);
  const last = Number(match?.[2] ?? first);
  if (!(first >= 0 && first <= last && last <= 65535)) fail(`invalid port specification: ${JSON.stringify(text)}`);
}

/** Durations are ns. */
function checkHealth(health: HealthConfig): void {
  const least = 1_000_000;
  for (const key of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    const value = health[key] ?? 0;
    if (value !== 0 && value < least) fail(`${key} in Healthcheck cannot be less than 1ms`);
  }
  if ((health.Retries ?? 0) < 0) fail("Retries in Healthcheck cannot be negative");
  const kind = health.Test?.[0];
  if (kind !== undefined && !["", "NONE", "CMD", "CMD-SHELL"].includes(kind)) {
    fail(`Unknown healthcheck type: ${kind} (expected NONE, CMD or CMD-SHELL)`);
  }
}

function checkLists(config: ContainerConfig): void {
  const lists = [config.Env, config.Cmd, config.Entrypoint, config.Shell, config.Healthcheck?.Test];
  for (const list of lists) {
    if (list === undefined || list === null) continue;
    if (!Array.isArray(list) || list.some((item) => typeof item !== "string")) fail("a list of strings was expected");
    if (list.length > MANY) fail(`a list is longer than ${MANY} items`);
  }
}

function fail(message: string): never {
  throw new HoyError("invalid", message);
}
