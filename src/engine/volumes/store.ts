// Named and anonymous volumes of the driver "local": a row, and a directory `volumes/NAME/_data` that outlives every
// container; on it the volume's device is mounted, if it has one (see devices.ts). Who uses a volume is asked of the
// containers' records, never counted, so it can't go wrong over a crash.

import { existsSync, renameSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Filters, PruneReport } from "../../api/backend.ts";
import type { Volume, VolumeCreateOptions, VolumeListResponse } from "../../api/types/volume.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { log } from "../../base/log.ts";
import { type Paths, paths } from "../../base/paths.ts";
import { mountPointsUnder } from "../../linux/mount-table.ts";
import type { VolumeRecord, VolumeTable } from "../../state/volumes.ts";
import type { EventBus } from "../events/bus.ts";
import { booleanFilter, checkFilters, matchExact, matchLabelFilters, matchLabels, matchPattern } from "../filters.ts";
import { now } from "../time.ts";
import { VolumeDevices } from "./devices.ts";
import { freeLimit, isWhole, makeFiles, removedName, removeFiles, sweepRemoved, volumeSize } from "./file-set.ts";
import { type LocalOptions, parseLocalOptions } from "./local-options.ts";
import {
  checkName,
  createError,
  describeVolume,
  HALF_COPIED,
  hasDevice,
  inUse,
  isElsewhere,
  localOptions,
  SNAPSHOT_OF,
} from "./record.ts";

export interface VolumeStoreOptions {
  readonly table: VolumeTable;
  readonly paths: Paths;
  readonly events: EventBus;
  /** Ids of the containers (running or not) that mount the volume. */
  readonly users: (name: string) => readonly string[];
}

export class VolumeStore {
  readonly #options: VolumeStoreOptions;
  readonly #volumes = new Map<string, VolumeRecord>();
  readonly #devices = new VolumeDevices();
  /** Those whose files are not whole yet; whoever wants one waits. */
  readonly #making = new Map<string, Promise<void>>();

  private constructor(options: VolumeStoreOptions) {
    this.#options = options;
  }

  /** Loads the rows, and finishes what a crash left half-done. The containers are known to `users` already. */
  static async open(options: VolumeStoreOptions): Promise<VolumeStore> {
    const store = new VolumeStore(options);
    await mkdir(paths.volumes(options.paths), { recursive: true, mode: 0o711 });
    await sweepRemoved(paths.volumes(options.paths));
    for (const volume of options.table.all()) await store.#takeUp(volume);
    return store;
  }

  async #takeUp(volume: VolumeRecord): Promise<void> {
    const root = join(paths.volumes(this.#options.paths), volume.name);
    if (!isWhole(volume, this.dataPath(volume.name))) {
      // Half created or half removed; nobody was told that it is there.
      if (this.#options.users(volume.name).length === 0) {
        await rm(root, { recursive: true, force: true });
        this.#options.table.remove(volume.name);
        return;
      }
      // Somebody took them away. A disk can't be made up for: what needs it says so.
      const local = parseLocalOptions(volume.options);
      await mkdir(this.dataPath(volume.name), { recursive: true, mode: 0o755 });
      if (local.mount === undefined) await makeFiles(this.dataPath(volume.name), local);
    }
    for (const name of await readdir(root)) {
      if (name.startsWith(HALF_COPIED)) await rm(join(root, name), { recursive: true, force: true });
    }
    this.#volumes.set(volume.name, volume);
  }

  dataPath(name: string): string {
    return join(paths.volumes(this.#options.paths), name, "_data");
  }

  get(name: string): VolumeRecord | undefined {
    return this.#volumes.get(name);
  }

  /** The volume's files are at `dataPath` from now on until `unuse`. Idempotent for the same user. */
  async use(name: string, user: string): Promise<void> {
    const { mount } = parseLocalOptions(this.#find(name).options);
    if (mount !== undefined) await this.#devices.acquire(this.dataPath(name), mount, user);
  }

  /** Idempotent, also for a volume that is gone. */
  async unuse(name: string, user: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume !== undefined && hasDevice(volume)) await this.#devices.release(this.dataPath(name), user);
  }

  /** Once every container is taken up: what a killed engine mounted and nobody uses is unmounted. */
  async settle(): Promise<void> {
    this.#devices.settle();
    for (const volume of this.#volumes.values()) {
      if (!hasDevice(volume)) continue;
      await this.#devices
        .releaseUnused(this.dataPath(volume.name))
        .catch((error) => log.warn("a volume could not be unmounted", { volume: volume.name, error }));
    }
  }

  get names(): string[] {
    return [...this.#volumes.keys()];
  }

  async create(options: VolumeCreateOptions): Promise<Volume> {
    const { volume } = await this.ensure(options);
    return describeVolume(volume, this.dataPath(volume.name));
  }

  /** The volume of that name, made when it is not there; "" makes an anonymous one. */
  async ensure(options: VolumeCreateOptions): Promise<{ volume: VolumeRecord; created: boolean }> {
    const driver = options.Driver || "local";
    const name = options.Name || newId();
    if (driver !== "local") {
      throw new HoyError(
        "not-found",
        `error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`,
      );
    }
    if (options.ClusterVolumeSpec) {
      throw new HoyError("unavailable", "This node is not a swarm manager: cluster volumes need one");
    }
    const local = localOptions(name, options.DriverOpts ?? {});
    await this.#making.get(name);
    const existing = this.#volumes.get(name);
    if (existing !== undefined) return { volume: existing, created: false };
    checkName(name);
    const volume: VolumeRecord = {
      name,
      created: now(),
      anonymous: !options.Name,
      labels: { ...(options.Name ? {} : { "com.docker.volume.anonymous": "" }), ...options.Labels },
      options: options.DriverOpts ?? {},
    };
    this.#volumes.set(name, volume);
    const made = this.#make(volume, local);
    this.#making.set(
      name,
      made.catch(() => undefined),
    );
    try {
      await made;
    } finally {
      this.#making.delete(name);
    }
    this.#emit("create", name);
    return { volume, created: true };
  }

  async #make(volume: VolumeRecord, local: LocalOptions): Promise<void> {
    try {
      this.#options.table.put(volume);
      await makeFiles(this.dataPath(volume.name), local);
    } catch (error) {
      await rm(dirname(this.dataPath(volume.name)), { recursive: true, force: true });
      this.#volumes.delete(volume.name);
      this.#options.table.remove(volume.name);
      throw createError(volume.name, error);
    }
  }

  async inspect(name: string): Promise<Volume> {
    return describeVolume(this.#find(name), this.dataPath(name));
  }

  async list(filters: Filters): Promise<VolumeListResponse> {
    checkFilters(filters, ["dangling", "driver", "label", "name"]);
    const dangling = booleanFilter(filters, "dangling");
    const Volumes = [...this.#volumes.values()]
      .filter((volume) => matchPattern(filters.get("name"), volume.name))
      .filter(() => matchExact(filters.get("driver"), "local"))
      .filter((volume) => matchLabels(filters.get("label"), volume.labels))
      .filter((volume) => dangling === undefined || dangling === (this.#options.users(volume.name).length === 0))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((volume) => describeVolume(volume, this.dataPath(volume.name)));
    return { Volumes, Warnings: [] };
  }

  async remove(name: string, force: boolean): Promise<void> {
    if (force && !this.#volumes.has(name)) return;
    const volume = this.#find(name);
    const users = this.#options.users(name);
    if (users.length > 0) throw inUse(name, users);
    await this.#delete(volume);
  }

  /**
   * Both rows are there while the directory gets its new name; of two rows a start drops the one without a directory.
   * @throws HoyError "conflict" when it is in use, or the name is.
   */
  async rename(name: string, to: string): Promise<void> {
    const volume = this.#find(name);
    checkName(to);
    if (hasDevice(volume)) await this.#devices.releaseUnused(this.dataPath(name));
    if (this.#volumes.has(to)) throw new HoyError("conflict", `volume ${to} exists already`);
    const root = paths.volumes(this.#options.paths);
    const users = [...this.#options.users(name), ...mountPointsUnder(join(root, name))];
    if (users.length > 0 || !this.#volumes.has(name)) {
      throw new HoyError("conflict", `rename ${name}: volume is in use - [${users.join(", ")}]`);
    }
    const { "com.docker.volume.anonymous": _, ...labels } = volume.labels;
    const renamed = { ...volume, name: to, anonymous: false, labels };
    this.#options.table.put(renamed);
    try {
      renameSync(join(root, name), join(root, to));
    } catch (error) {
      this.#options.table.remove(to);
      throw error;
    }
    this.#options.table.remove(name);
    this.#volumes.delete(name);
    this.#volumes.set(to, renamed);
    this.#options.events.emit("volume", "rename", to, { driver: "local", oldName: name });
  }

  /** Removes it if it is there and nobody uses it. */
  async removeUnused(name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume !== undefined && this.#options.users(name).length === 0) await this.#delete(volume);
  }

  /** Without `all=true` only anonymous volumes, as Docker since API 1.42. */
  async prune(filters: Filters): Promise<PruneReport> {
    checkFilters(filters, ["all", "label", "label!"]);
    const all = booleanFilter(filters, "all") ?? false;
    const deleted: string[] = [];
    let spaceReclaimed = 0;
    for (const volume of [...this.#volumes.values()]) {
      if (!all && !volume.anonymous) continue;
      // What is in them is elsewhere; Docker passes them over too. A snapshot is kept to be unused.
      if (isElsewhere(volume) || volume.labels[SNAPSHOT_OF] !== undefined) continue;
      if (!matchLabelFilters(filters, volume.labels)) continue;
      if (this.#options.users(volume.name).length > 0) continue;
      const size = await volumeSize(volume, this.dataPath(volume.name));
      await this.#delete(volume);
      deleted.push(volume.name);
      spaceReclaimed += size;
    }
    this.#options.events.emit("volume", "prune", "", { reclaimed: String(spaceReclaimed) });
    return { deleted, spaceReclaimed };
  }

  /** Every volume with its size in bytes and its number of users, for `df`. */
  async usage(): Promise<Volume[]> {
    const { Volumes } = await this.list(new Map());
    return Promise.all(
      Volumes.map(async (volume) => {
        const record = this.#volumes.get(volume.Name);
        const Size = record === undefined ? -1 : await volumeSize(record, this.dataPath(volume.Name));
        return { ...volume, UsageData: { Size, RefCount: this.#options.users(volume.Name).length } };
      }),
    );
  }

  emitMount(action: "mount" | "unmount", name: string, attributes: Readonly<Record<string, string>>): void {
    this.#options.events.emit("volume", action, name, { driver: "local", ...attributes });
  }

  async #delete(volume: VolumeRecord): Promise<void> {
    // Out of sight at once, then away: a crash in between leaves a directory that every start removes.
    const path = join(paths.volumes(this.#options.paths), volume.name);
    const gone = removedName(path);
    if (hasDevice(volume)) await this.#devices.releaseUnused(this.dataPath(volume.name));
    // From here on nothing else runs until it is out of sight. Whatever is mounted in it is not ours to remove.
    const users = this.#options.users(volume.name);
    if (users.length > 0) throw inUse(volume.name, users);
    const mounted = mountPointsUnder(path);
    if (mounted.length > 0) throw inUse(volume.name, mounted);
    freeLimit(volume, this.dataPath(volume.name));
    if (existsSync(path)) renameSync(path, gone);
    this.#options.table.remove(volume.name);
    this.#volumes.delete(volume.name);
    this.#emit("destroy", volume.name);
    removeFiles(volume, gone).catch((error) => {
      log.warn("a removed volume's files are still there", { volume: volume.name, error });
    });
  }

  #find(name: string): VolumeRecord {
    const volume = this.#volumes.get(name);
    if (volume === undefined) throw new HoyError("not-found", `get ${name}: no such volume`);
    return volume;
  }

  #emit(action: string, name: string): void {
    this.#options.events.emit("volume", action, name, { driver: "local" });
  }
}
