// GET /version.

import { arch } from "node:os";
import type { SystemVersion } from "../../api/types/system.ts";
import { API_VERSION, build, MIN_API_VERSION } from "../../base/version.ts";
import type { HostDescription } from "./host.ts";

export function engineVersion(host: HostDescription): SystemVersion {
  const Arch = goArchitecture();
  const details = {
    ApiVersion: API_VERSION,
    Arch,
    BuildTime: build.built,
    Experimental: "false",
    GitCommit: build.commit,
    GoVersion: runtimeName(),
    KernelVersion: host.kernel,
    MinAPIVersion: MIN_API_VERSION,
    Os: "linux",
  };
  const runtimes = Object.entries(host.runtimes)
    .filter(([, version]) => version !== "")
    .map(([Name, version]) => ({ Name, Version: version.replace(/^\S+ version /, ""), Details: {} }));
  return {
    Platform: { Name: "hoy" },
    Components: [{ Name: "Engine", Version: build.version, Details: details }, ...runtimes],
    Version: build.version,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: build.commit,
    GoVersion: runtimeName(),
    Os: "linux",
    Arch,
    KernelVersion: host.kernel,
    BuildTime: build.built,
  };
}

export function goArchitecture(): string {
  return { x64: "amd64", ia32: "386" }[arch() as string] ?? arch();
}

/** The field is named for Go; here stands what runs the engine. */
function runtimeName(): string {
  return process.versions.bun === undefined ? `node ${process.versions.node}` : `bun ${process.versions.bun}`;
}
