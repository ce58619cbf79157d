// What the API server asks of the engine, verb by verb. The server knows HTTP and nothing else; the engine
// implements this and knows no HTTP. Every call may throw HoyError; long ones take an AbortSignal that fires when
// the client goes away. Containers are named by what the user typed: id, unique id prefix, or name.
//
// Streams: bytes flow as AsyncIterable<Uint8Array>; progress as AsyncIterable<ProgressMessage> (one NDJSON line each).

import type {
  ContainerConfig,
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  ContainerWaitResponse,
  FilesystemChange,
  HostConfig,
  NetworkRate,
  PortMap,
  Resources,
  RestartPolicy,
} from "./types/container.ts";
import type { ExecCreateRequest, ExecInspectResponse, ExecStartRequest } from "./types/exec.ts";
import type {
  BuildCache,
  DistributionInspect,
  ImageDeleteResponseItem,
  ImageInspect,
  ImageSummary,
} from "./types/image.ts";
import type { EndpointSettings, Network, NetworkCreateResponse, NetworkingConfig } from "./types/network.ts";
import type { ContainerStatsResponse } from "./types/stats.ts";
import type { EventMessage, SystemInfo, SystemVersion } from "./types/system.ts";
import type { Volume, VolumeCreateOptions, VolumeListResponse } from "./types/volume.ts";

/** `filters` of the API, already read from either spelling: key → the wanted values. */
export type Filters = ReadonlyMap<string, ReadonlySet<string>>;

/** One NDJSON line of pull, push, load, import and build. */
export interface ProgressMessage {
  stream?: string;
  status?: string;
  id?: string;
  progress?: string;
  progressDetail?: { current?: number; total?: number; hidecounts?: boolean; units?: string };
  error?: string;
  errorDetail?: { code?: number; message: string };
  aux?: unknown;
}

export interface Backend {
  readonly containers: ContainerBackend;
  readonly exec: ExecBackend;
  readonly images: ImageBackend;
  readonly networks: NetworkBackend;
  readonly volumes: VolumeBackend;
  readonly system: SystemBackend;
  readonly build: BuildBackend;
}

// ── containers ────────────────────────────────────────────────────────────────────────────────────────────────

export interface ContainerCreateRequest {
  readonly name: string | undefined;
  /** "os/arch[/variant]"; undefined: whatever is here. */
  readonly platform: string | undefined;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networkingConfig: NetworkingConfig;
}

export interface ContainerListOptions {
  readonly all: boolean;
  /** Newest n, whatever their state; undefined: no limit. */
  readonly limit: number | undefined;
  readonly size: boolean;
  readonly filters: Filters;
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  /** Unix time in seconds, with fraction down to the ns, as text ("1700000000.123456789"); undefined: no bound. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly timestamps: boolean;
  readonly details: boolean;
  /** Last n lines; undefined: all. */
  readonly tail: number | undefined;
}

/** One piece of a container's output. With a terminal everything is "stdout". */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

export interface LogStream {
  /** With a terminal the API sends the bytes raw, else in stdcopy frames. */
  readonly tty: boolean;
  readonly chunks: AsyncIterable<OutputChunk>;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Replay what was logged before. */
  readonly logs: boolean;
  /** Stay attached; false with logs: replay and end. */
  readonly stream: boolean;
  /** e.g. "ctrl-p,ctrl-q"; undefined: the engine's default. */
  readonly detachKeys: string | undefined;
}

/** A client's two-way stream to a container or exec. Output ends when the process has closed it or on detach. */
export interface AttachStream {
  readonly tty: boolean;
  readonly output: AsyncIterable<OutputChunk>;
  /** Resolves when the bytes are taken (backpressure). Rejects nothing when the process is gone: bytes are dropped. */
  write(data: Uint8Array): Promise<void>;
  /** The client closed its half: stdin ends (if StdinOnce or exec), output goes on. */
  endInput(): void;
  /** Let go; the process runs on. Idempotent. */
  close(): void;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

export interface KillOptions {
  /** "SIGTERM", "TERM", "15"; undefined: SIGKILL. */
  readonly signal: string | undefined;
}

export interface StopOptions {
  readonly signal: string | undefined;
  /** Seconds until SIGKILL; -1: never; undefined: the container's StopTimeout, else 10. */
  readonly timeout: number | undefined;
}

export interface PruneReport {
  readonly deleted: readonly string[];
  readonly spaceReclaimed: number;
}

/** What stat(2) said of a path in a container; `mode` is Go's os.FileMode, as the header X-Docker-Container-Path-Stat wants. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

export interface ArchivePutOptions {
  readonly path: string;
  readonly noOverwriteDirNonDir: boolean;
  readonly copyUidGid: boolean;
}

export interface CommitOptions {
  readonly container: string;
  readonly repo: string | undefined;
  readonly tag: string | undefined;
  readonly comment: string;
  readonly author: string;
  readonly pause: boolean;
  /** Dockerfile instructions, one a line. */
  readonly changes: readonly string[];
  /** Body of the request; overrides the container's own config where set. */
  readonly config: ContainerConfig | undefined;
}

export interface PortChangeRequest {
  Add?: PortMap;
  /** Without a HostPort: all bindings of the container's port. */
  Remove?: PortMap;
}

export interface UpdateRequest extends Resources {
  RestartPolicy?: RestartPolicy;
}

export interface ContainerBackend {
  create(request: ContainerCreateRequest, signal: AbortSignal): Promise<ContainerCreateResponse>;
  /** @throws "not-modified" when it runs already. */
  start(ref: string, options: { detachKeys: string | undefined }): Promise<void>;
  /** @throws "not-modified" when it does not run. */
  stop(ref: string, options: StopOptions, signal: AbortSignal): Promise<void>;
  restart(ref: string, options: StopOptions, signal: AbortSignal): Promise<void>;
  kill(ref: string, options: KillOptions): Promise<void>;
  pause(ref: string): Promise<void>;
  unpause(ref: string): Promise<void>;
  rename(ref: string, name: string): Promise<void>;
  update(ref: string, request: UpdateRequest): Promise<ContainerUpdateResponse>;
  /** Ours, not Docker's: other published ports, also while it runs. */
  changePorts(ref: string, changes: PortChangeRequest): Promise<void>;
  /** hoy's own: the container's network rate becomes this, also while it runs. */
  changeRate(ref: string, rate: NetworkRate): Promise<void>;
  remove(ref: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void>;
  /** Returns once the container is found and the wait is armed; the server then sends headers; `result` comes later. */
  wait(ref: string, condition: WaitCondition, signal: AbortSignal): Promise<{ result: Promise<ContainerWaitResponse> }>;
  list(options: ContainerListOptions): Promise<ContainerSummary[]>;
  inspect(ref: string, options: { size: boolean }): Promise<ContainerInspectResponse>;
  top(ref: string, psArgs: string): Promise<ContainerTopResponse>;
  logs(ref: string, options: LogOptions, signal: AbortSignal): Promise<LogStream>;
  /** One sample each second while `stream`; else one sample (`oneShot`: without waiting for a second reading). */
  stats(
    ref: string,
    options: { stream: boolean; oneShot: boolean },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ContainerStatsResponse>>;
  attach(ref: string, options: AttachOptions, signal: AbortSignal): Promise<AttachStream>;
  resize(ref: string, height: number, width: number): Promise<void>;
  changes(ref: string): Promise<FilesystemChange[]>;
  export(ref: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  archiveStat(ref: string, path: string): Promise<PathStat>;
  archiveGet(
    ref: string,
    path: string,
    signal: AbortSignal,
  ): Promise<{ stat: PathStat; tar: AsyncIterable<Uint8Array> }>;
  archivePut(
    ref: string,
    options: ArchivePutOptions,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
  prune(filters: Filters): Promise<PruneReport>;
}

export interface ExecBackend {
  create(container: string, request: ExecCreateRequest): Promise<{ Id: string }>;
  /** Runs it. Detached: resolves when it runs, with undefined. */
  start(id: string, request: ExecStartRequest, signal: AbortSignal): Promise<AttachStream | undefined>;
  resize(id: string, height: number, width: number): Promise<void>;
  inspect(id: string): Promise<ExecInspectResponse>;
}

// ── images ────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ImageListOptions {
  readonly all: boolean;
  readonly digests: boolean;
  readonly sharedSize: boolean;
  readonly manifests: boolean;
  readonly filters: Filters;
}

export interface ImportOptions {
  /** "-": the body; else a URL. */
  readonly source: string;
  readonly repo: string | undefined;
  readonly tag: string | undefined;
  readonly message: string;
  readonly changes: readonly string[];
  readonly platform: string | undefined;
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress?: string;
}

export interface HistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** An image that a collection removed, or would remove. */
export interface CollectedImage {
  readonly Id: string;
  readonly Names: readonly string[];
  /** Bytes of layers that go with it. */
  readonly Size: number;
  /** RFC 3339. */
  readonly LastUsed: string;
}

/** What differs from the policy of daemon.json for one collection; times are how long ago, sizes in bytes. */
export interface CollectOptions {
  readonly dryRun: boolean;
  readonly unusedFor: string | undefined;
  readonly keepStorage: number | undefined;
}

export interface CollectReport {
  readonly Images: readonly CollectedImage[];
  readonly BuildCache: readonly { readonly Id: string; readonly Description: string; readonly Size: number }[];
  readonly SpaceReclaimed: number;
}

/** What `image verify` found; an image without a fault is whole. */
export interface ImageVerification {
  readonly Id: string;
  /** Files that were read. */
  readonly Checked: number;
  readonly Bytes: number;
  readonly Faults: readonly { readonly Digest: string; readonly What: string; readonly Fault: string }[];
}

/** A file that two images differ in. `Kind` as in a container's changes: 0 changed, 1 added, 2 removed. */
export interface ImageChange {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
  /** Diff id of the layer it is in; of a removed file, in the first image. */
  readonly Layer: string;
}

/** An image mounted on the engine's host. */
export interface ImageMount {
  readonly Path: string;
  readonly Id: string;
  /** The image as it was named. */
  readonly Name: string;
  /** RFC 3339. */
  readonly Created: string;
  /** False: other hands took the mount away, or mounted something over it. */
  readonly Mounted: boolean;
}

export interface ImageBackend {
  list(options: ImageListOptions): Promise<ImageSummary[]>;
  inspect(ref: string, options: { manifests: boolean; platform: string | undefined }): Promise<ImageInspect>;
  history(ref: string, platform: string | undefined): Promise<HistoryItem[]>;
  tag(ref: string, repo: string, tag: string | undefined): Promise<void>;
  remove(ref: string, options: { force: boolean; prune: boolean }): Promise<ImageDeleteResponseItem[]>;
  prune(filters: Filters): Promise<{ deleted: ImageDeleteResponseItem[]; spaceReclaimed: number }>;
  /** Reads every byte of the image against its digest. */
  verify(ref: string, signal: AbortSignal): Promise<ImageVerification>;
  /** Removes what a policy no longer keeps, then frees what no row refers to. See CollectOptions. */
  collect(
    policy: { unusedSince: string | undefined; keepStorage: number | undefined; keep: readonly string[] },
    dryRun: boolean,
  ): Promise<CollectedImage[]>;
  /** The files that `to` has more, less or otherwise than `from`, in the order of their paths. */
  diff(from: string, to: string, signal: AbortSignal): Promise<ImageChange[]>;
  /** Mounts the image's files, read-only, at `path` on the engine's host; undefined: in a directory of the engine's. */
  mount(ref: string, path: string | undefined): Promise<ImageMount>;
  /** `what`: a directory (absolute) or an image, whose mounts all go. */
  unmount(what: string, force: boolean): Promise<ImageMount[]>;
  mounts(): ImageMount[];
  pull(
    ref: string,
    options: { platform: string | undefined; auth: RegistryAuth | undefined; allTags: boolean },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  push(
    ref: string,
    options: {
      tag: string | undefined;
      platform: string | undefined;
      auth: RegistryAuth | undefined;
      /** "gzip[:LEVEL]" or "zstd[:LEVEL]" for every layer; undefined: as they are. */
      compression?: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  import(
    options: ImportOptions,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  load(
    body: AsyncIterable<Uint8Array>,
    options: { quiet: boolean; platform: string | undefined },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  save(
    refs: readonly string[],
    options: { platform: string | undefined },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  commit(options: CommitOptions, signal: AbortSignal): Promise<{ Id: string }>;
  search(
    term: string,
    options: { limit: number | undefined; filters: Filters; auth: RegistryAuth | undefined },
    signal: AbortSignal,
  ): Promise<unknown[]>;
  distribution(ref: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<DistributionInspect>;
}

// ── networks, volumes ─────────────────────────────────────────────────────────────────────────────────────────

export interface NetworkCreateRequest {
  Name: string;
  Driver?: string;
  Scope?: string;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  ConfigFrom?: { Network?: string };
  IPAM?: Network["IPAM"];
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  Options?: Record<string, string>;
  Labels?: Record<string, string>;
}

export interface NetworkBackend {
  list(filters: Filters): Promise<Network[]>;
  inspect(ref: string, options: { verbose: boolean; scope: string | undefined }): Promise<Network>;
  create(request: NetworkCreateRequest): Promise<NetworkCreateResponse>;
  remove(ref: string): Promise<void>;
  connect(ref: string, container: string, endpoint: EndpointSettings): Promise<void>;
  disconnect(ref: string, container: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ deleted: string[] }>;
}

export interface VolumeBackend {
  list(filters: Filters): Promise<VolumeListResponse>;
  inspect(name: string): Promise<Volume>;
  create(options: VolumeCreateOptions): Promise<Volume>;
  remove(name: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<PruneReport>;
  // Ours, not Docker's:
  rename(name: string, to: string): Promise<void>;
  /** A new volume with the contents of this one; `as` "": the engine names it. */
  snapshot(name: string, as: string): Promise<Volume>;
  restore(name: string, from: string): Promise<void>;
  archiveStat(name: string, path: string): Promise<PathStat>;
  archiveGet(
    name: string,
    path: string,
    signal: AbortSignal,
  ): Promise<{ stat: PathStat; tar: AsyncIterable<Uint8Array> }>;
  archivePut(
    name: string,
    options: ArchivePutOptions,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
}

// ── the engine itself ─────────────────────────────────────────────────────────────────────────────────────────

export interface EventOptions {
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly filters: Filters;
}

export interface DiskUsage {
  LayersSize: number;
  Images: ImageSummary[];
  Containers: import("./types/container.ts").ContainerSummary[];
  Volumes: Volume[];
  BuildCache: BuildCache[];
}

/** Bytes; none of the three: all goes. */
export interface BuildPruneOptions {
  readonly all: boolean;
  /** Stays whatever the others say. */
  readonly keepStorage: number | undefined;
  readonly maxUsedSpace?: number | undefined;
  /** Of the disk. */
  readonly minFreeSpace?: number | undefined;
  readonly filters: Filters;
}

export interface SystemBackend {
  info(): Promise<SystemInfo>;
  version(): Promise<SystemVersion>;
  /** Past events in the window first, then live ones until `until` or abort. Subscribed before this resolves. */
  events(options: EventOptions, signal: AbortSignal): Promise<AsyncIterable<EventMessage>>;
  diskUsage(types: ReadonlySet<"container" | "image" | "volume" | "build-cache">): Promise<Partial<DiskUsage>>;
  auth(credentials: RegistryAuth): Promise<{ Status: string; IdentityToken: string }>;
  /** Collection by policy: images that no container uses, the build cache, and what nothing refers to. */
  collect(options: CollectOptions): Promise<CollectReport>;
  buildPrune(options: BuildPruneOptions): Promise<PruneReport>;
}

// ── building ──────────────────────────────────────────────────────────────────────────────────────────────────

/** POST /build, the classic way: the context in the body or at `remote`, the output as it would be on a terminal. */
export interface BuildRequest {
  /** Path in the context; "": Dockerfile. */
  readonly dockerfile: string;
  readonly tags: readonly string[];
  readonly quiet: boolean;
  readonly noCache: boolean;
  readonly pull: boolean;
  /** null: the value is the builder's own environment's, which has none. */
  readonly buildArgs: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string;
  /** "os/arch[/variant]"; undefined: the engine's. */
  readonly platform: string | undefined;
  readonly networkMode: string;
  readonly resources: Resources;
  readonly cgroupParent: string;
  /** "host:address". */
  readonly extraHosts: readonly string[];
  /** Bytes; 0: the default. */
  readonly shmSize: number;
  readonly ulimits: readonly { readonly Name?: string; readonly Soft?: number; readonly Hard?: number }[];
  readonly squash: boolean;
  /** A git repository, or the URL of a tar or a Dockerfile; "": the body. */
  readonly remote: string;
  /** Names of images, as the classic client has them, or caches: "type=registry,ref=NAME". */
  /** Of the client's files, with version 2. */
  readonly session: string;
  readonly cacheFrom: readonly string[];
  /** Caches to export to: "type=registry,ref=NAME,mode=max", "type=inline". hoy's own. */
  readonly cacheTo: readonly string[];
  /** JSON of BuildKit's exporters; "": an image. */
  readonly outputs: string;
  /** "1": classic; "2": BuildKit, which comes by its own door. */
  readonly version: string;
  /** Names the build for `cancel`. */
  readonly buildId: string;
  /** By registry, as the client's config names it. */
  readonly auths: Readonly<Record<string, RegistryAuth>>;
}

/** A directory of `RUN --mount=type=cache`. */
export interface CacheMount {
  readonly Id: string;
  /** Its `id=`, or where it is mounted; "" for one that an older engine made. */
  readonly CacheId: string;
  readonly Description: string;
  /** Octal. */
  readonly Mode: string;
  readonly Owner: string;
  readonly Size: number;
  readonly CreatedAt: string;
  readonly LastUsedAt: string;
  readonly UsageCount: number;
  readonly InUse: boolean;
}

export interface BuildBackend {
  /** @throws before the first message for what can be known without building: names, the Dockerfile's syntax. */
  build(
    request: BuildRequest,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  /** Nothing of that id is no error, as in Docker. */
  cancel(buildId: string): Promise<void>;
  cacheMounts(): readonly CacheMount[];
  /**
   * One as a tar that `importCacheMount` takes. @param name the beginning of its id, or its cache id
   * @throws HoyError "not-found", "invalid" for a name of several, "conflict" while a build has it.
   */
  exportCacheMount(name: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** @throws HoyError "conflict" when one of that kind is here, unless it is to be replaced. */
  importCacheMount(
    archive: AsyncIterable<Uint8Array>,
    options: { readonly replace: boolean },
    signal: AbortSignal,
  ): Promise<CacheMount>;
}
