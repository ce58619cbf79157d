// The engine: opens everything on one data root in the order in which each needs the other, takes up what the last
// engine left, and is the Backend that the API server serves.

import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "../api/backend.ts";
import { digestHex, sha256 } from "../base/digest.ts";
import { HoyError } from "../base/error.ts";
import { log } from "../base/log.ts";
import { paths } from "../base/paths.ts";
import type { EngineSettings, ReloadableSettings } from "../base/settings.ts";
import type { Buildkit } from "../build/buildkit/buildkit.ts";
import type { GraphSolver } from "../build/solver/solver.ts";
import { isErrno } from "../linux/libc.ts";
import { Networks } from "../network/manager.ts";
import type { PeerSource } from "../registry/peer/source.ts";
import { createRuntime } from "../runtime/shim/runtime.ts";
import { probeHost } from "../runtime/spec/facts.ts";
import type { SpecDefaults } from "../runtime/spec/input.ts";
import { loadRangePool } from "../runtime/userns/allocate.ts";
import { BuildTable } from "../state/build.ts";
import { BuildHistoryTable } from "../state/build-history.ts";
import { BuildStepTable } from "../state/build-steps.ts";
import { ContainerTable } from "../state/containers.ts";
import { openDatabase } from "../state/database.ts";
import { ImageMountTable } from "../state/image-mounts.ts";
import { ImageTable } from "../state/images.ts";
import { migrations } from "../state/migrations.ts";
import { NetworkRows } from "../state/networks.ts";
import { VolumeTable } from "../state/volumes.ts";
import { openSnapshotDriver } from "../storage/drivers/open.ts";
import { FileContentStore } from "../storage/file-content.ts";
import { Archives } from "./archive/backend.ts";
import { BuildVerbs } from "./build/backend.ts";
import { openSolver } from "./build/builder.ts";
import { composeBuildkit } from "./build/buildkit.ts";
import { ContainerVerbs } from "./containers/backend.ts";
import { Container } from "./containers/container.ts";
import { Containers } from "./containers/containers.ts";
import { recoverContainers, startRecovered } from "./containers/recover.ts";
import { containerSources } from "./containers/sources.ts";
import { startLocked } from "./containers/start.ts";
import type { EngineContext } from "./context.ts";
import { DataLock } from "./data-lock.ts";
import { EventBus } from "./events/bus.ts";
import { Execs } from "./exec/backend.ts";
import { IdRanges } from "./id-ranges.ts";
import { Images } from "./images/backend.ts";
import type { EmitEvent } from "./images/contract.ts";
import { ImageMounts } from "./images/mounts.ts";
import { PeerImages } from "./images/peers.ts";
import { ImageShelf } from "./images/shelf.ts";
import { createNetworkBackend } from "./networks/backend.ts";
import { findInit, ociRuntime } from "./programs.ts";
import { SystemVerbs } from "./system/backend.ts";
import { scheduleCollection } from "./system/collect.ts";
import { describeHost } from "./system/host.ts";
import { createVolumeBackend } from "./volumes/backend.ts";
import { Mounter } from "./volumes/mounter.ts";
import { VolumeStore } from "./volumes/store.ts";

const DEFAULT_DATA_ROOT = "/var/lib/hoy";

export interface Engine {
  readonly backend: Backend;
  /** For the protocols that builds come by. */
  readonly solver: GraphSolver;
  readonly buildkit: Buildkit;
  /** For other engines: images whose repositories one of the patterns matches. */
  peerImages(patterns: readonly string[]): PeerSource;
  /** Takes new settings while containers run. */
  reload(settings: ReloadableSettings): void;
  /** Lets go of everything; containers run on. Idempotent. */
  close(): Promise<void>;
}

/** @throws HoyError "conflict" when another engine has the data root, "internal" when the state can't be read. */
export async function openEngine(given: EngineSettings): Promise<Engine> {
  await using opening = new AsyncDisposableStack();
  let settings = given;
  makeDirectories(settings);
  opening.use(DataLock.take(paths.lock(settings.paths)));
  const db = openDatabase(paths.database(settings.paths), migrations);
  opening.defer(() => db.close());
  const table = new ContainerTable(db);
  const containers = new Containers(table);
  const closing = new AbortController();
  const events = new EventBus(table.events(), () => containers.schedule());
  containers.attachEvents(events);
  const [facts, snapshots, content, pool, host] = await Promise.all([
    probeHost(),
    openSnapshotDriver({ paths: settings.paths, prefer: settings.storageDriver }),
    FileContentStore.open(paths.blobs(settings.paths), paths.temporary(settings.paths)),
    loadRangePool(settings.userNamespaces.user),
    describeHost(settings.runtimes),
  ]);
  const images = await ImageShelf.open({
    table: new ImageTable(db),
    content,
    driver: snapshots,
    temporary: paths.temporary(settings.paths),
  });
  const networks = new Networks(new NetworkRows(db), settings.network, networkMark(settings.paths.data));
  opening.defer(() => networks.close());
  const idRanges = new IdRanges(pool);
  for (const record of table.all()) {
    containers.restore(new Container(record, settings.paths));
    idRanges.hold(record.spec.idMap);
  }
  const volumes = await VolumeStore.open({
    table: new VolumeTable(db),
    paths: settings.paths,
    events,
    mounter: new Mounter(settings.shim),
    users: (name) => usersOfVolume(containers, name),
  });
  const engine: EngineContext = {
    get settings() {
      return settings;
    },
    id: engineId(settings),
    facts,
    specDefaults: specDefaults(settings),
    containers,
    events,
    images,
    volumes,
    network: networks,
    networkNamed: (name) => networks.catalog.all().find((network) => network.name === name),
    runtime: createRuntime({ shim: settings.shim, root: join(settings.paths.run, "runtime") }),
    snapshots,
    idRanges,
    ociRuntime: (name) => ociRuntime(settings, name),
    startLocked: (container) => startLocked(engine, container),
    runExec(container, shim, exec, attached) {
      execs.announce(container, exec);
      return execs.run(container, shim, exec, attached);
    },
    retakeExecs: (container, shim) => execs.retake(container, shim),
    forgetExecs: (container) => execs.containerRemoved(container),
    closing: closing.signal,
  };
  const execs = new Execs(engine);
  const sources = containerSources(containers, () => engine);
  const emit: EmitEvent = (type, action, actor) => events.emit(type, action, actor.ID, actor.Attributes);
  const mounts = new ImageMounts(new ImageMountTable(db), images, settings.paths);
  const imageVerbs = new Images({ shelf: images, sources, emit }, () => settings.registry, mounts);
  await mounts.recover();
  const wanted = await recoverContainers(engine);
  networks.settle();
  const solver = await openSolver({
    engine,
    shelf: images,
    images: imageVerbs,
    table: new BuildTable(db),
    stepStore: new BuildStepTable(db),
  });
  containers.flush();
  startRecovered(engine, wanted).catch((error) => log.error("restart policies failed", { error }));
  const buildkit = composeBuildkit({
    images: { shelf: images, sources, emit },
    verbs: imageVerbs,
    solver,
    temporary: paths.temporary(settings.paths),
    hostGateway: () => networks.hostGateway()[0],
    grantable: () => settings.builder.entitlements,
    history: { table: new BuildHistoryTable(db), settings: () => settings.builder.history },
  });
  opening.defer(() => buildkit.close());
  const owned = opening.move();
  const system = new SystemVerbs(engine, imageVerbs, host, solver.keeper);
  const asPolicy = { dryRun: false, unusedFor: undefined, keepStorage: undefined };
  scheduleCollection(
    () => settings.gc,
    () => system.collect(asPolicy),
    closing.signal,
  );
  return {
    solver,
    buildkit,
    backend: {
      containers: new ContainerVerbs(engine, new Archives(sources, emit)),
      exec: execs,
      images: imageVerbs,
      networks: createNetworkBackend(engine, networks),
      volumes: createVolumeBackend(engine),
      build: new BuildVerbs({ shelf: images, sources, emit }, solver, buildkit, () => settings.builder.entitlements),
      system,
    },
    peerImages: (patterns) => new PeerImages(images, patterns),
    reload(changes) {
      settings = { ...settings, ...changes };
      events.emit("daemon", "reload", engine.id, { name: engine.id });
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      // Whoever is in the middle of a verb may finish it.
      await Promise.all(containers.all().map((container) => letGo(container)));
      containers.close();
      await owned.disposeAsync();
    },
  };
}

/** Its shim's news are the next engine's from now on. */
async function letGo(container: Container): Promise<void> {
  await container.lock.run(async () => {
    clearTimeout(container.restartTimer);
    container.running?.abort();
    container.shim = undefined;
  });
}

function usersOfVolume(containers: Containers, name: string): string[] {
  return containers
    .all()
    .filter(({ spec }) => spec.mounts.some((mount) => mount.type === "volume" && mount.name === name))
    .map(({ id }) => id);
}

/** Several engines on one host, each with a data root of its own, keep their firewall rules apart. */
function networkMark(data: string): string {
  return data === DEFAULT_DATA_ROOT ? "" : `-${digestHex(sha256(data)).slice(0, 8)}`;
}

function makeDirectories({ paths: roots }: EngineSettings): void {
  for (const path of [roots.data, roots.run, join(roots.data, "containers"), join(roots.run, "containers")]) {
    mkdirSync(path, { recursive: true, mode: 0o711 });
  }
  mkdirSync(join(roots.run, "runtime"), { recursive: true, mode: 0o700 });
  mkdirSync(paths.temporary(roots), { recursive: true, mode: 0o700 });
}

function specDefaults(settings: EngineSettings): SpecDefaults {
  const { seccompProfile: profile } = settings;
  return {
    ulimits: settings.ulimits,
    init: settings.init,
    initPath: findInit(settings),
    seccompProfile: profile === "builtin" || profile === "unconfined" ? profile : readProfile(profile),
    noNewPrivileges: settings.noNewPrivileges,
  };
}

function readProfile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new HoyError("invalid", `the seccomp profile ${path} can't be read: ${String(error)}`, { cause: error });
  }
}

/** Made once a data root, kept for `info`. */
function engineId({ paths: roots }: EngineSettings): string {
  const file = join(roots.data, "engine-id");
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
  const id = randomUUID();
  writeFileSync(file, `${id}\n`, { mode: 0o600 });
  return id;
}
