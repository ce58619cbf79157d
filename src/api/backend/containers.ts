// What is asked of containers, and of commands in them (exec).

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
} from "../types/container.ts";
import type { ExecCreateRequest, ExecInspectResponse, ExecStartRequest } from "../types/exec.ts";
import type { NetworkingConfig } from "../types/network.ts";
import type { ContainerStatsResponse } from "../types/stats.ts";
import type { Filters } from "./common.ts";

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
