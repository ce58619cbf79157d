// `--storage-opt size=`, and the engine's own default for it: how much a container may write into its root.

import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostConfig } from "../../api/types/container.ts";
import { parseBytes } from "../../base/bytes.ts";
import { HoyError } from "../../base/error.ts";
import type { EngineContext } from "../context.ts";
import { limitDirectories } from "../disk-limit.ts";
import type { Container } from "./container.ts";

/** Bytes; undefined: as much as there is. @throws HoyError "invalid" with Docker's words */
export function diskSize(options: HostConfig["StorageOpt"]): number | undefined {
  let size: number | undefined;
  for (const [key, value] of Object.entries(options ?? {})) {
    if (key.toLowerCase() !== "size") throw new HoyError("invalid", `Unknown option ${key.slice(0, 40)}`);
    size = parseBytes(value);
    if (size === undefined) throw new HoyError("invalid", `invalid size: '${value.slice(0, 40)}'`);
  }
  return size === 0 ? undefined : size;
}

/** May have been made with a size. */
export function isBounded(engine: EngineContext, { StorageOpt }: HostConfig): boolean {
  return (diskSize(StorageOpt) ?? engine.settings.containerSize) !== undefined;
}

/**
 * Makes `upper`, and bounds what is written into it and into `work`, where overlay prepares files before it moves them
 * there (which works within one project only). `upper` has its name when it is as it is to be: a container with it is whole.
 * @param lowers the image's directories, top first: the container's "/" has the owner and mode of `upper`, which are the top's
 * @throws HoyError in Docker's words where the file system has no project quotas
 */
export function makeUpper(engine: EngineContext, { spec, paths }: Container, lowers: readonly string[]): void {
  const { upper, work } = paths;
  const [top] = lowers;
  const size = diskSize(spec.hostConfig.StorageOpt) ?? engine.settings.containerSize;
  const { uid, gid, mode } = top === undefined ? { uid: 0, gid: 0, mode: 0o755 } : statSync(top);
  const usual = uid === 0 && gid === 0 && (mode & 0o7777) === 0o755;
  if (usual && size === undefined) {
    mkdirSync(upper, { mode: 0o755 });
    markAsContainer(upper, lowers);
    return;
  }
  const fresh = `${upper}.new`;
  mkdirSync(fresh, { mode: 0o755 });
  markAsContainer(fresh, lowers);
  if (size !== undefined) bound(engine, [work, fresh], size);
  if (!usual) {
    chownSync(fresh, uid, gid);
    chmodSync(fresh, mode & 0o7777);
  }
  renameSync(fresh, upper);
}

/**
 * Programs look for this file to learn that they are in a container; it says nothing. An image's own stays.
 */
function markAsContainer(upper: string, lowers: readonly string[]): void {
  if (lowers.some((lower) => lstatSync(join(lower, ".dockerenv"), { throwIfNoEntry: false }) !== undefined)) return;
  writeFileSync(join(upper, ".dockerenv"), "", { mode: 0o755, flag: "wx" });
}

function bound(engine: EngineContext, directories: readonly string[], size: number): void {
  try {
    limitDirectories(engine.settings.paths.data, directories, size);
  } catch (cause) {
    if (!(cause instanceof HoyError && cause.code === "invalid")) throw cause;
    throw new HoyError("internal", "--storage-opt is supported only for overlay over xfs with 'pquota' mount option", {
      hint: "the data root's file system needs project quotas: ext4 or xfs mounted with prjquota",
      cause,
    });
  }
}
