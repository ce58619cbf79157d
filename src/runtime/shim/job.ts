// The shim's job file (shim/PROTOCOL.md): `key NUL value NUL` pairs, made from a StartRequest.

import { basename, join } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { IdRange, OciRuntime, StagedBind, StartRequest } from "../contract.ts";

const LIMIT = 256 * 1024;

/** What the job says beyond the request. */
export interface JobPlace {
  /** The OCI runtime's `--root`. */
  readonly runtimeRoot: string;
  /** The shim is given a sealed copy of the OCI runtime. */
  readonly sealed: boolean;
  /** Mount points that the OCI runtime must not see: crun refuses hosts with cgroup v1 and a v2 tree beside it. */
  readonly hide: readonly string[];
  /** Cgroup files with a line `oom_kill N`. */
  readonly oomFiles: readonly string[];
  /** cgroup.procs files for the shim itself. */
  readonly shimCgroups: readonly string[];
}

/** The job's bytes. @throws HoyError "invalid" when a value can't be written or the whole is past 256 KiB. */
export function encodeJob(request: StartRequest, place: JobPlace): Buffer {
  const job = Buffer.concat([...pairs(request, place)].map(encodePair));
  if (job.length > LIMIT) throw new HoyError("invalid", "the container has too many layers, binds or labels to start");
  return job;
}

function encodePair([key, value]: readonly [string, string]): Buffer {
  if (value.includes("\0")) throw new HoyError("invalid", `${key} holds a NUL byte`);
  return Buffer.from(`${key}\0${value}\0`);
}

function* pairs(request: StartRequest, place: JobPlace): Generator<readonly [string, string]> {
  yield ["version", "1"];
  yield ["id", request.id];
  yield ["bundle", request.bundle];
  yield ["state", request.state];
  yield ["runtime", request.runtime.path];
  yield ["sealed", flag(place.sealed)];
  yield ["runtime-root", place.runtimeRoot];
  for (const arg of request.runtime.args) yield ["runtime-arg", arg];
  for (const path of place.hide) yield ["hide", path];
  for (const range of request.idMap?.uids ?? []) yield ["uidmap", rangeText(range)];
  for (const range of request.idMap?.gids ?? []) yield ["gidmap", rangeText(range)];
  for (const lower of request.rootfs.lowers) yield ["lower", lower];
  yield ["upper", request.rootfs.upper];
  yield ["work", request.rootfs.work];
  yield ["rootfs", join(request.bundle, "rootfs")];
  for (const bind of request.binds) yield* bindPairs(bind);
  yield ["netns", flag(request.onNetworkNamespace !== undefined)];
  yield ["terminal", flag(request.terminal)];
  yield ["stdin", flag(request.openStdin)];
  yield ["stdin-once", flag(request.stdinOnce)];
  yield ["hold", flag(request.hold)];
  yield ["delete", flag(!isKnownRuntime(request.runtime))];
  yield ["rows", String(request.consoleSize?.height ?? 0)];
  yield ["cols", String(request.consoleSize?.width ?? 0)];
  yield* logPairs(request);
  for (const path of place.oomFiles) yield ["oom-file", path];
  for (const path of place.shimCgroups) yield ["cgroup-procs", path];
}

/**
 * crun and runc keep one directory and the cgroup of a container: removing these is all that their `delete` does for
 * containers without poststop hooks, and the daemon does it in less time than the program takes to start.
 */
export function isKnownRuntime(runtime: OciRuntime): boolean {
  return ["crun", "runc"].includes(basename(runtime.path));
}

function rangeText(range: IdRange): string {
  return `${range.container} ${range.host} ${range.size}`;
}

function* bindPairs(bind: StagedBind): Generator<readonly [string, string]> {
  yield ["bind-source", bind.source];
  yield ["bind-target", bind.target];
  yield ["bind-flags", `${bind.recursive ? "r" : ""}${bind.idmap ? "i" : ""}` || "-"];
}

function* logPairs({ log }: StartRequest): Generator<readonly [string, string]> {
  yield ["log-driver", log.driver];
  yield ["log-path", log.path];
  yield ["log-max-size", String(log.maxSize)];
  yield ["log-max-file", String(log.maxFile)];
  yield ["log-compress", flag(log.compress)];
  yield ["log-attrs", log.attrs];
  yield ["log-mode", log.mode];
  yield ["log-max-buffer", String(log.maxBuffer)];
}

function flag(value: boolean): string {
  return value ? "1" : "0";
}
