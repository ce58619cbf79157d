// Named and anonymous volumes of the driver "local": a row, and a directory `volumes/NAME/_data` that outlives every
// container. Who uses a volume is asked of the containers' records, never counted, so it can't go wrong over a crash.

import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Filters, PruneReport, VolumeBackend } from "../../api/backend.ts";
import type { Volume, VolumeCreateOptions, VolumeListResponse } from "../../api/types/volume.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { log } from "../../base/log.ts";
import { type Paths, paths } from "../../base/paths.ts";
import type { VolumeRecord, VolumeTable } from "../../state/volumes.ts";
import type { EventBus } from "../events/bus.ts";
import { booleanFilter, checkFilters, matchExact, matchLabelFilters, matchLabels, matchPattern } from "../filters.ts";
import { now } from "../time.ts";
import { treeSize } from "./tree-size.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Beginning of the name under which a volume's first contents are copied, beside its data. */
export const HALF_COPIED = "_new-";

export interface VolumeStoreOptions {
  readonly table: VolumeTable;
  readonly paths: Paths;
  readonly events: EventBus;
  /** Ids of the containers (running or not) that mount the volume. */
  readonly users: (name: string) => readonly string[];
}

export class VolumeStore implements VolumeBackend {
  readonly #options: VolumeStoreOptions;
  readonly #volumes = new Map<string, VolumeRecord>();

  private constructor(options: VolumeStoreOptions) {
    this.#options = options;
  }

  /** Loads the rows, and finishes what a crash left half-done. The containers are known to `users` already. */
  static async open(options: VolumeStoreOptions): Promise<VolumeStore> {
    const store = new VolumeStore(options);
    await mkdir(paths.volumes(options.paths), { recursive: true, mode: 0o711 });
    for (const volume of options.table.all()) await store.#takeUp(volume);
    return store;
  }

  async #takeUp(volume: VolumeRecord): Promise<void> {
    const root = join(paths.volumes(this.#options.paths), volume.name);
    if (!(await exists(root))) {
      // Half created or half removed; nobody was told that it is there.
      if (this.#options.users(volume.name).length === 0) {
        this.#options.table.remove(volume.name);
        return;
      }
      await mkdir(this.dataPath(volume.name), { recursive: true, mode: 0o755 });
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

  get names(): string[] {
    return [...this.#volumes.keys()];
  }

  async create(options: VolumeCreateOptions): Promise<Volume> {
    const { volume } = await this.ensure(options);
    return this.#describe(volume);
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
    checkOptions(options);
    const existing = this.#volumes.get(name);
    if (existing !== undefined) return { volume: existing, created: false };
    if (!NAME.test(name) || name.length > 255) {
      throw new HoyError(
        "invalid",
        `create ${name.slice(0, 256)}: ${JSON.stringify(name.slice(0, 256))} includes invalid characters for a local volume name, ` +
          'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
      );
    }
    const volume: VolumeRecord = {
      name,
      created: now(),
      anonymous: !options.Name,
      labels: { ...(options.Name ? {} : { "com.docker.volume.anonymous": "" }), ...options.Labels },
      options: options.DriverOpts ?? {},
    };
    this.#volumes.set(name, volume);
    try {
      this.#options.table.put(volume);
      await mkdir(this.dataPath(name), { recursive: true, mode: 0o755 });
    } catch (error) {
      this.#volumes.delete(name);
      this.#options.table.remove(name);
      throw error;
    }
    this.#emit("create", name);
    return { volume, created: true };
  }

  async inspect(name: string): Promise<Volume> {
    return this.#describe(this.#find(name));
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
      .map((volume) => this.#describe(volume));
    return { Volumes, Warnings: [] };
  }

  async remove(name: string, force: boolean): Promise<void> {
    if (force && !this.#volumes.has(name)) return;
    const volume = this.#find(name);
    const users = this.#options.users(name);
    if (users.length > 0) {
      throw new HoyError("conflict", `remove ${name}: volume is in use - [${users.join(", ")}]`);
    }
    await this.#delete(volume);
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
      if (!matchLabelFilters(filters, volume.labels)) continue;
      if (this.#options.users(volume.name).length > 0) continue;
      const size = await treeSize(this.dataPath(volume.name));
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
      Volumes.map(async (volume) => ({
        ...volume,
        UsageData: {
          Size: await treeSize(this.dataPath(volume.Name)),
          RefCount: this.#options.users(volume.Name).length,
        },
      })),
    );
  }

  emitMount(action: "mount" | "unmount", name: string, attributes: Readonly<Record<string, string>>): void {
    this.#options.events.emit("volume", action, name, { driver: "local", ...attributes });
  }

  async #delete(volume: VolumeRecord): Promise<void> {
    // Out of sight at once, then away: a crash in between leaves a directory in tmp, which every start empties.
    const path = join(paths.volumes(this.#options.paths), volume.name);
    const gone = join(paths.temporary(this.#options.paths), `volume-${newId()}`);
    if (await exists(path)) await rename(path, gone);
    this.#options.table.remove(volume.name);
    this.#volumes.delete(volume.name);
    this.#emit("destroy", volume.name);
    rm(gone, { recursive: true, force: true }).catch((error) => {
      log.warn("a removed volume's files are still there", { volume: volume.name, error });
    });
  }

  #find(name: string): VolumeRecord {
    const volume = this.#volumes.get(name);
    if (volume === undefined) throw new HoyError("not-found", `get ${name}: no such volume`);
    return volume;
  }

  #describe(volume: VolumeRecord): Volume {
    return {
      CreatedAt: volume.created.replace(/\.\d+Z$/, "Z"),
      Driver: "local",
      Labels: { ...volume.labels },
      Mountpoint: this.dataPath(volume.name),
      Name: volume.name,
      Options: { ...volume.options },
      Scope: "local",
    };
  }

  #emit(action: string, name: string): void {
    this.#options.events.emit("volume", action, name, { driver: "local" });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The local driver's mount options (type, o, device) are known and not there yet. */
function checkOptions(options: VolumeCreateOptions): void {
  if (options.ClusterVolumeSpec) {
    throw new HoyError("unavailable", "This node is not a swarm manager: cluster volumes need one");
  }
  for (const key of Object.keys(options.DriverOpts ?? {})) {
    if (["type", "o", "device", "size"].includes(key)) {
      throw new HoyError("not-implemented", `the local driver's option ${JSON.stringify(key)} is not there yet`);
    }
    throw new HoyError("invalid", `create: invalid option: ${JSON.stringify(key)}`);
  }
}
