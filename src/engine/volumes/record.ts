// What a volume's row says: its name, its options, whose its directory is, and how the API shows it.

import { chmodSync, chownSync } from "node:fs";
import type { Filters } from "../../api/backend.ts";
import type { Volume, VolumeCreateOptions } from "../../api/types/volume.ts";
import { HoyError, leadIn } from "../../base/error.ts";
import type { VolumeRecord } from "../../state/volumes.ts";
import { matchExact, matchLabels, matchPattern } from "../filters.ts";
import { now } from "../time.ts";
import { LOOP, type LocalOptions, parseLocalOptions } from "./local-options.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Beginning of the name of what is not whole yet, in a volume's directory. A start of the engine removes it. */
export const HALF_COPIED = "_new-";

/** Label of a snapshot: which volume it is of. */
export const SNAPSHOT_OF = "hoy.snapshot.of";

/** @throws HoyError "invalid" with Docker's words. */
export function checkName(name: string): void {
  if (NAME.test(name) && name.length <= 255) return;
  const shown = name.slice(0, 256);
  throw new HoyError(
    "invalid",
    `create ${shown}: ${JSON.stringify(shown)} includes invalid characters for a local volume name, ` +
      'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  );
}

/** @throws HoyError in Docker's words for a driver that is not "local", and for swarm's volumes. */
export function checkDriver(
  name: string,
  { Driver: driver = "", ClusterVolumeSpec: cluster }: VolumeCreateOptions,
): void {
  if (driver !== "local" && driver !== "") {
    const plugin = JSON.stringify(driver);
    throw new HoyError(
      "not-found",
      `create ${name}: error looking up volume plugin ${driver}: plugin ${plugin} not found`,
    );
  }
  if (cluster) throw new HoyError("unavailable", "This node is not a swarm manager: cluster volumes need one");
}

/** Nothing of it is there yet. One that the user did not name is anonymous. */
export function newVolume(name: string, { Name: given, Labels, DriverOpts }: VolumeCreateOptions): VolumeRecord {
  return {
    name,
    created: now(),
    anonymous: !given,
    labels: { ...(given ? {} : { "com.docker.volume.anonymous": "" }), ...Labels },
    options: DriverOpts ?? {},
  };
}

/** @throws HoyError "invalid" with Docker's words. */
export function localOptions(name: string, options: Readonly<Record<string, string>>): LocalOptions {
  try {
    return parseLocalOptions(options);
  } catch (error) {
    throw createError(name, error);
  }
}

/** Says of which volume it is, as Docker does. */
export function createError(name: string, error: unknown): unknown {
  return leadIn(`create ${name}`, error);
}

/** By what its row says: name, driver, labels. */
export function matchesVolume({ name, labels }: VolumeRecord, filters: Filters): boolean {
  return (
    matchPattern(filters.get("name"), name) &&
    matchExact(filters.get("driver"), "local") &&
    matchLabels(filters.get("label"), labels)
  );
}

/** Something is mounted as the volume; without one it is a directory of ours. */
export function hasDevice({ options }: VolumeRecord): boolean {
  return options.type !== undefined;
}

/** Its files are somewhere else than below the engine's directories. */
export function isElsewhere({ options }: VolumeRecord): boolean {
  return options.type !== undefined && options.type !== LOOP;
}

/** What `uid=`, `gid=` and `mode=` say of a directory of ours. */
export function giveOwner(path: string, { owner: { uid, gid, mode } }: LocalOptions): void {
  if (uid !== undefined || gid !== undefined) chownSync(path, uid ?? 0, gid ?? 0);
  if (mode !== undefined) chmodSync(path, mode);
}

export function describeVolume(volume: VolumeRecord, mountpoint: string): Volume {
  return {
    CreatedAt: volume.created.replace(/\.\d+Z$/, "Z"),
    Driver: "local",
    Labels: { ...volume.labels },
    Mountpoint: mountpoint,
    Name: volume.name,
    Options: { ...volume.options },
    Scope: "local",
    ...sizeStatus(volume),
  };
}

/** In the member that Docker leaves to drivers. */
function sizeStatus({ options }: VolumeRecord): Pick<Volume, "Status"> {
  const { size } = parseLocalOptions(options);
  return size === undefined ? {} : { Status: { Size: { Limit: size } } };
}

/** With Docker's words: `remove NAME: volume is in use - [ID, …]`. */
export function inUse(name: string, users: readonly string[]): HoyError {
  return new HoyError("conflict", `remove ${name}: volume is in use - [${users.join(", ")}]`);
}
