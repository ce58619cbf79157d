// All mounts of a new container: `--volumes-from`, then `-v`, then `--mount`, then the volumes that image or user only
// named a path for. Volumes are made here; binds are looked at, as Docker does, so that a missing source is an error
// of create and not of start.

import { stat } from "node:fs/promises";
import type { ContainerConfig, HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { isErrno } from "../../linux/libc.ts";
import type { MountRecord } from "../../state/containers.ts";
import type { VolumeStore } from "../volumes/store.ts";
import type { Containers } from "./containers.ts";
import {
  anonymousVolume,
  mountError,
  parseBind,
  parseMount,
  parseVolumesFrom,
  type WantedMount,
} from "./mount-parse.ts";

export interface MountPlan {
  readonly wanted: readonly WantedMount[];
  /** From other containers; their volumes are there already. */
  readonly inherited: readonly MountRecord[];
}

/**
 * Reads and checks everything; makes nothing.
 * @throws HoyError "invalid", also for two mounts at one place; also for an unknown container of volumes-from.
 */
export async function planMounts(
  config: ContainerConfig,
  host: HostConfig,
  containers: Containers,
): Promise<MountPlan> {
  const inherited = new Map<string, MountRecord>();
  for (const text of host.VolumesFrom ?? []) {
    const from = parseVolumesFrom(text);
    for (const mount of containers.findOther(from.container).spec.mounts) {
      const rw = mount.rw && !from.readOnly;
      inherited.set(mount.destination, { ...mount, mode: "", rw, copyUp: false, anonymous: false });
    }
  }
  const wanted = new Map<string, WantedMount>();
  const add = (mount: WantedMount) => {
    if (wanted.has(mount.destination)) throw duplicate(mount.destination);
    wanted.set(mount.destination, mount);
    inherited.delete(mount.destination);
  };
  const driver = host.VolumeDriver ?? "";
  for (const text of host.Binds ?? []) add(parseBind(text, driver));
  for (const mount of host.Mounts ?? []) add(parseMount(mount));
  for (const destination of Object.keys(host.Tmpfs ?? {})) {
    if (!destination.startsWith("/"))
      throw new HoyError("invalid", `invalid mount path: '${destination}' mount path must be absolute`);
    if (wanted.has(destination)) throw duplicate(destination);
    inherited.delete(destination);
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    const mount = anonymousVolume(path, driver);
    const taken = inherited.has(mount.destination) || mount.destination in (host.Tmpfs ?? {});
    if (!taken && !wanted.has(mount.destination)) wanted.set(mount.destination, mount);
  }
  for (const mount of wanted.values()) {
    if (mount.type === "bind" && !mount.createSource) await checkSource(mount);
  }
  return { wanted: [...wanted.values()], inherited: [...inherited.values()] };
}

/**
 * Makes the volumes that are not there and gives the container's mounts, as its record keeps them; where the trees of
 * images are is filled in by `holdImages`.
 * @param made gets the names of the new volumes one by one, for whoever has to undo it
 */
export async function realizeMounts(plan: MountPlan, volumes: VolumeStore, made: string[]): Promise<MountRecord[]> {
  const records: MountRecord[] = [...plan.inherited];
  for (const mount of plan.wanted) {
    const anonymous = mount.type === "volume" && mount.source === "";
    const name = mount.type === "volume" ? await ensureVolume(mount, volumes, made) : "";
    records.push({
      type: mount.type,
      source: mount.type === "volume" ? volumes.dataPath(name) : mount.type === "image" ? "" : mount.source,
      name: mount.type === "image" ? mount.source : name,
      driver: mount.type === "volume" ? "local" : "",
      destination: mount.destination,
      mode: mount.mode,
      rw: mount.rw,
      propagation: mount.propagation,
      copyUp: mount.copyUp,
      createSource: mount.createSource,
      recursive: mount.recursive,
      readOnlyBelow: mount.readOnlyBelow,
      options: "",
      subpath: mount.subpath,
      anonymous,
    });
  }
  return records;
}

async function ensureVolume(mount: WantedMount, volumes: VolumeStore, made: string[]): Promise<string> {
  const wanted = {
    Name: mount.source,
    Driver: mount.driver,
    DriverOpts: { ...mount.driverOptions },
    Labels: { ...mount.labels },
  };
  // Nobody knows its name before the container is there.
  const { volume, created } = await volumes.ensure(wanted, { doomed: mount.source === "" });
  if (created) made.push(volume.name);
  return volume.name;
}

async function checkSource(mount: WantedMount): Promise<void> {
  try {
    await stat(mount.source);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
    throw mountError("bind", `bind source path does not exist: ${mount.source}`);
  }
}

function duplicate(destination: string): HoyError {
  return new HoyError("invalid", `Duplicate mount point: ${destination}`);
}

/** As Docker's volume events have them. */
export function mountAttributes(container: { readonly id: string }, mount: MountRecord): Record<string, string> {
  return {
    container: container.id,
    destination: mount.destination,
    "read/write": String(mount.rw),
    propagation: mount.propagation,
  };
}
