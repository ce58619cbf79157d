// /build: the classic builder's parameters (moby api/server/router/build). Those that no build can honour here are
// errors; those that mean nothing to this builder (rm, forcerm: nothing is left over anyway) are taken.

import { HoyError } from "../../../base/error.ts";
import type { RegistryAuth } from "../../backend.ts";
import { authBody } from "../bodies/other.ts";
import type { Call } from "../call.ts";
import { sendEmpty, sendProgress } from "../reply.ts";
import type { Route } from "../router.ts";
import { decode, int, list, map, object, type Shape, text } from "../shape.ts";

export const buildRoutes: readonly Route[] = [
  { method: "POST", path: "/build", handler: build },
  { method: "POST", path: "/build/cancel", handler: cancel },
];

const MAX_AUTHS = 256 * 1024;

const nullable: Shape<string | null> = {
  go: "string",
  keepsNull: true,
  read: (value, path, depth) => (value === null ? null : text.read(value, path, depth)),
};

const ulimit = object<{ Name: string; Soft: number; Hard: number }>("Ulimit", { Name: text, Soft: int, Hard: int });

async function build(call: Call): Promise<void> {
  const { query } = call;
  const type = call.header("content-type").split(";")[0]?.trim() ?? "";
  if (
    !["", "application/x-tar", "application/tar", "application/octet-stream"].includes(type) &&
    query.text("remote") === ""
  ) {
    throw new HoyError(
      "invalid",
      `unsupported Content-Type header (${type.slice(0, 100)}): must be 'application/x-tar'`,
    );
  }
  const request = {
    dockerfile: query.text("dockerfile"),
    tags: query.all("t").filter((tag) => tag !== ""),
    quiet: query.bool("q"),
    noCache: query.bool("nocache"),
    pull: query.bool("pull"),
    buildArgs: json(call, "buildargs", map(nullable)) ?? {},
    labels: json(call, "labels", map(text)) ?? {},
    target: query.text("target"),
    platform: call.atLeast("1.32") ? query.optional("platform") : undefined,
    networkMode: query.text("networkmode"),
    resources: {
      ...whole(call, "memory", "Memory"),
      ...whole(call, "memswap", "MemorySwap"),
      ...whole(call, "cpushares", "CpuShares"),
      ...whole(call, "cpuperiod", "CpuPeriod"),
      ...whole(call, "cpuquota", "CpuQuota"),
      ...(query.text("cpusetcpus") === "" ? {} : { CpusetCpus: query.text("cpusetcpus") }),
      ...(query.text("cpusetmems") === "" ? {} : { CpusetMems: query.text("cpusetmems") }),
    },
    cgroupParent: query.text("cgroupparent"),
    extraHosts: query.all("extrahosts").flatMap(hosts),
    shmSize: query.int("shmsize") ?? 0,
    ulimits: json(call, "ulimits", list(ulimit)) ?? [],
    squash: query.bool("squash"),
    remote: query.text("remote"),
    session: query.text("session"),
    cacheFrom: json(call, "cachefrom", list(text)) ?? [],
    cacheTo: json(call, "cacheto", list(text)) ?? [],
    outputs: query.text("outputs"),
    version: query.text("version"),
    buildId: query.text("buildid"),
    auths: auths(call.header("x-registry-config")),
  };
  await sendProgress(call, await call.backend.build.build(request, call.body(), call.signal));
}

async function cancel(call: Call): Promise<void> {
  await call.backend.build.cancel(call.query.text("id"));
  sendEmpty(call, 200);
}

/** 0 is "not said", as in Docker. */
function whole<K extends string>(call: Call, name: string, key: K): Partial<Record<K, number>> {
  const value = call.query.int(name) ?? 0;
  const field: Partial<Record<K, number>> = {};
  if (value !== 0) field[key] = value;
  return field;
}

function json<T>(call: Call, name: string, shape: Shape<T>): T | undefined {
  const given = call.query.optional(name);
  if (given === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch (cause) {
    throw new HoyError("invalid", `invalid value for "${name}": not JSON`, { cause });
  }
  return value === null ? undefined : decode(value, shape);
}

/** One a parameter; old clients send a JSON list. */
function hosts(given: string): string[] {
  return given.startsWith("[") ? decode(parsed(given), list(text)) : given.split(",").filter((host) => host !== "");
}

function parsed(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch (cause) {
    throw new HoyError("invalid", 'invalid value for "extrahosts": not JSON', { cause });
  }
}

/** X-Registry-Config: base64url of JSON, registry → credentials. Being secret, it is never repeated. */
function auths(header: string): Record<string, RegistryAuth> {
  if (header === "") return {};
  try {
    if (header.length > MAX_AUTHS) throw new HoyError("too-large", "X-Registry-Config is too large");
    const value: unknown = JSON.parse(Buffer.from(header, "base64url").toString("utf8"));
    return value === null ? {} : decode(value, map(authBody));
  } catch (cause) {
    throw new HoyError("invalid", "invalid X-Registry-Config header", { cause });
  }
}
