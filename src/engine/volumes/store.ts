// Named and anonymous volumes of the driver "local": a row, and a directory `volumes/NAME/_data` that outlives every
// container; on it the volume's device is mounted, if it has one (see devices.ts). Who uses a volume is asked of the
// containers' records, never counted, so it can't go wrong over a crash.

import { existsSync, renameSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Volume, VolumeCreateOptions } from "../../api/types/volume.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { log } from "../../base/log.ts";
import { type Paths, paths } from "../../base/paths.ts";
import { span, step } from "../../base/trace.ts";
import { mountPointsUnder } from "../../linux/mount-table.ts";
import type { VolumeRecord, VolumeTable } from "../../state/volumes.ts";
import type { EventBus } from "../events/bus.ts";
import { VolumeDevices } from "./devices.ts";
import {
  type Fill,
  freeLimit,
  hiddenName,
  isWhole,
  makeFiles,
  makeVolume,
  removeFiles,
  sweepHidden,
} from "./file-set.ts";
import { type LocalOptions, parseLocalOptions } from "./local-options.ts";
import type { Mounter } from "./mounter.ts";
import {
  checkDriver,
  checkName,
  createError,
  describeVolume,
  HALF_COPIED,
  hasDevice,
  inUse,
  localOptions,
  newVolume,
} from "./record.ts";

export interface VolumeStoreOptions {
  readonly table: VolumeTable;
  readonly paths: Paths;
  readonly events: EventBus;
  readonly mounter: Mounter;
  /** Ids of the containers (running or not) that mount the volume. */
  readonly users: (name: string) => readonly string[];
}

/** How a new one begins. */
interface Beginning {
  readonly fill?: Fill | undefined;
  /** See `VolumeStore.doom`. */
  readonly doomed?: boolean;
}

export class VolumeStore {
  readonly #options: VolumeStoreOptions;
  readonly #volumes = new Map<string, VolumeRecord>();
  readonly #devices: VolumeDevices;
  /** Those whose files are not whole yet; whoever wants one waits. */
  readonly #making = new Map<string, Promise<void>>();

  private constructor(options: VolumeStoreOptions) {
    this.#options = options;
    this.#devices = new VolumeDevices(options.mounter);
  }

  /** Loads the rows, and finishes what a crash left half-done. The containers are known to `users` already. */
  static async open(options: VolumeStoreOptions): Promise<VolumeStore> {
    const store = new VolumeStore(options);
    await mkdir(paths.volumes(options.paths), { recursive: true, mode: 0o711 });
    await sweepHidden(paths.volumes(options.paths));
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
    if (mount === undefined) return;
    await span("volume.mount", {}, () => this.#devices.acquire(this.dataPath(name), mount, user));
  }

  /** Idempotent, also for a volume that is gone. */
  async unuse(name: string, user: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume === undefined || !hasDevice(volume)) return;
    await span("volume.unmount", {}, () => this.#devices.release(this.dataPath(name), user));
  }

  /** Once every container is taken up: what a killed engine mounted and nobody uses is unmounted. */
  async settle(): Promise<void> {
    this.#devices.settle();
    const doomed = this.#options.table.doomed();
    for (const name of doomed) await this.removeUnused(name);
    if (doomed.length > 0) this.#options.table.doom(doomed, false);
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

  records(): VolumeRecord[] {
    return [...this.#volumes.values()];
  }

  /** Ids of the containers that mount it. */
  usersOf(name: string): readonly string[] {
    return this.#options.users(name);
  }

  /** @param fill puts into a new one's directory what it begins with; it is not there before that is done */
  async create(options: VolumeCreateOptions, fill?: Fill): Promise<Volume> {
    const { volume } = await this.ensure(options, fill === undefined ? {} : { fill });
    return describeVolume(volume, this.dataPath(volume.name));
  }

  /**
   * Volumes of a container that is being made or removed: should the engine die, they go with it at the next start, unless
   * another uses them.
   */
  doom(names: readonly string[], doomed: boolean): void {
    if (names.length > 0) step("volume.doom", () => this.#options.table.doom(names, doomed));
  }

  /** The volume of that name, made when it is not there; "" makes an anonymous one. */
  async ensure(
    options: VolumeCreateOptions,
    { fill, doomed = false }: Beginning = {},
  ): Promise<{ volume: VolumeRecord; created: boolean }> {
    const name = options.Name || newId();
    checkDriver(name, options);
    const local = localOptions(name, options.DriverOpts ?? {});
    await this.#making.get(name);
    const existing = this.#volumes.get(name);
    if (existing !== undefined) {
      if (fill !== undefined) throw new HoyError("conflict", `volume ${name} exists already`);
      return { volume: existing, created: false };
    }
    checkName(name);
    const volume = newVolume(name, options);
    this.#volumes.set(name, volume);
    const made = this.#make(volume, local, { fill, doomed });
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

  async #make(volume: VolumeRecord, local: LocalOptions, { fill, doomed = false }: Beginning): Promise<void> {
    try {
      step("volume.row", () => this.#options.table.put(volume, doomed));
      await span("volume.files", {}, () => makeVolume(dirname(this.dataPath(volume.name)), local, fill));
    } catch (error) {
      this.#volumes.delete(volume.name);
      this.#options.table.remove(volume.name);
      throw createError(volume.name, error);
    }
  }

  async inspect(name: string): Promise<Volume> {
    return describeVolume(this.#find(name), this.dataPath(name));
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
    step("volume.row", () => this.#options.table.put(renamed));
    try {
      step("volume.move", () => renameSync(join(root, name), join(root, to)));
    } catch (error) {
      this.#options.table.remove(to);
      throw error;
    }
    step("volume.forget", () => this.#options.table.remove(name));
    this.#volumes.delete(name);
    this.#volumes.set(to, renamed);
    this.#options.events.emit("volume", "rename", to, { driver: "local", oldName: name });
  }

  /** Runs `work` while nothing is mounted as the volume, and nobody can mount it. @throws HoyError "conflict" when it is in use */
  alone(name: string, work: () => Promise<void>): Promise<void> {
    const busy = () => new HoyError("conflict", `volume is in use - [${this.#options.users(name).join(", ")}]`);
    return this.#devices.alone(this.dataPath(name), busy, work);
  }

  /** What it was made with is this from now on. */
  setOptions(name: string, options: VolumeRecord["options"]): void {
    const volume = this.#find(name);
    step("volume.row", () => this.#options.table.updateOptions({ name, options }));
    this.#volumes.set(name, { ...volume, options });
  }

  /** Removes it if it is there and nobody uses it. */
  async removeUnused(name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume !== undefined && this.#options.users(name).length === 0) await this.#delete(volume);
  }

  emitMount(action: "mount" | "unmount", name: string, attributes: Readonly<Record<string, string>>): void {
    this.#options.events.emit("volume", action, name, { driver: "local", ...attributes });
  }

  async #delete(volume: VolumeRecord): Promise<void> {
    // Out of sight at once, then away: a crash in between leaves a directory that every start removes.
    const path = join(paths.volumes(this.#options.paths), volume.name);
    const gone = hiddenName(path);
    if (hasDevice(volume)) await this.#devices.releaseUnused(this.dataPath(volume.name));
    // From here on nothing else runs until it is out of sight. Whatever is mounted in it is not ours to remove.
    const users = this.#options.users(volume.name);
    if (users.length > 0) throw inUse(volume.name, users);
    const mounted = mountPointsUnder(path);
    if (mounted.length > 0) throw inUse(volume.name, mounted);
    freeLimit(volume, this.dataPath(volume.name));
    step("volume.discard", () => {
      if (existsSync(path)) renameSync(path, gone);
    });
    step("volume.forget", () => this.#options.table.remove(volume.name));
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
