// From the parameters of POST /build to what the frontend wants to know.

import type { BuildRequest } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { BuildContext } from "../../build/frontend/options.ts";
import { type DockerfileOptions, dockerfileOptions } from "../../build/frontend/options.ts";
import type { StepLimits } from "../../build/solver-contract.ts";
import { parsePlatform } from "../../image/platform.ts";

export interface FoundDockerfile {
  readonly text: string;
  /** As errors show it. */
  readonly name: string;
  readonly context: BuildContext;
}

/** Of a build without a session. @throws HoyError "invalid", "not-implemented" for what needs one. */
export function checkRequest(request: BuildRequest): void {
  if (!["", "1", "2"].includes(request.version)) {
    throw new HoyError("invalid", `invalid version ${request.version}`);
  }
  if (request.outputs !== "" && request.outputs !== "null" && request.outputs !== "[]") {
    throw new HoyError("not-implemented", "outputs other than an image need a session of the client's", {
      hint: "use buildx",
    });
  }
}

export function optionsOf(request: BuildRequest, { text, name, context }: FoundDockerfile): DockerfileOptions {
  const buildArgs = Object.entries(request.buildArgs).flatMap(([key, value]) =>
    value === null ? [] : [[key, value] as const],
  );
  return dockerfileOptions({
    text,
    name,
    mainContext: context,
    buildArgs: new Map(buildArgs),
    labels: new Map(Object.entries(request.labels)),
    target: request.target,
    platform: request.platform === undefined ? undefined : parsePlatform(request.platform),
    noCache: request.noCache,
    pullMode: request.pull ? "pull" : "default",
    network: networkOf(request.networkMode),
    extraHosts: request.extraHosts.map(extraHost),
    ulimits: request.ulimits.map(({ Name = "", Soft = 0, Hard = 0 }) => ({ name: Name, soft: Soft, hard: Hard })),
    shmSize: request.shmSize,
    cgroupParent: request.cgroupParent,
  });
}

/** Networks besides the three that a Dockerfile can name are the session's (see StepLimits). */
export function limitsOf({ networkMode, resources }: BuildRequest): StepLimits {
  return { network: OWN.has(networkMode) ? "" : networkMode, resources };
}

const OWN: ReadonlySet<string> = new Set(["", "default", "bridge", "host", "none"]);

function networkOf(mode: string): DockerfileOptions["network"] {
  return mode === "host" || mode === "none" ? mode : "sandbox";
}

function extraHost(text: string): { host: string; ip: string } {
  const [, host, ip] = /^([^:=]+)[:=](.+)$/.exec(text) ?? [];
  if (host === undefined || ip === undefined)
    throw new HoyError("invalid", `bad format for add-host: ${JSON.stringify(text)}`);
  return { host, ip };
}
