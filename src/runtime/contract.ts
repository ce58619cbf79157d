// What the engine asks of the runtime: start a container's process under its shim, talk to it, learn how it ended.
// The shim's side of this is shim/PROTOCOL.md. All times are RFC 3339 with ns, as the API sends them.

import type { OciSpec } from "./oci.ts";

/** One line of /proc/PID/uid_map: `size` ids from `container` on are `host` on. */
export interface IdRange {
  readonly container: number;
  readonly host: number;
  readonly size: number;
}

export interface IdMap {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** A directory or file that the shim puts at `target` (absolute, in the bundle) before the OCI runtime starts. */
export interface StagedBind {
  readonly source: string;
  readonly target: string;
  readonly recursive: boolean;
  /** Map it with the container's ids (open_tree, mount_setattr MOUNT_ATTR_IDMAP). */
  readonly idmap: boolean;
  /** The source is a device that `prepareBinds` makes first: none can be made in a user namespace. The shim passes this over. */
  readonly node?: DeviceNode;
}

export interface DeviceNode {
  readonly type: "c" | "b" | "p";
  readonly major: number;
  readonly minor: number;
  /** Permission bits only. */
  readonly mode: number;
  /** Owner on the host: the container's, mapped. */
  readonly uid: number;
  readonly gid: number;
}

export interface LogSettings {
  readonly driver: "json-file" | "local" | "none";
  /** Absolute; rotated files are `path.1` … (`.gz` when compressed). */
  readonly path: string;
  /** Bytes a file; 0: never rotate. */
  readonly maxSize: number;
  readonly maxFile: number;
  readonly compress: boolean;
  /** json-file's "attrs" member (labels, env), JSON text or "". */
  readonly attrs: string;
  /** "non-blocking": drop the oldest when `maxBuffer` bytes wait. */
  readonly mode: "blocking" | "non-blocking";
  readonly maxBuffer: number;
}

export interface StartRequest {
  readonly id: string;
  /** Bundle directory, exists, 0711; the runtime writes config.json and the job here. */
  readonly bundle: string;
  /** The container's directory in the data root; exit.json goes here. */
  readonly state: string;
  readonly spec: OciSpec;
  readonly rootfs: {
    /** Lower directories, top first; empty for an image without layers. */
    readonly lowers: readonly string[];
    readonly upper: string;
    readonly work: string;
  };
  /** undefined: the host's user namespace. */
  readonly idMap: IdMap | undefined;
  readonly binds: readonly StagedBind[];
  readonly terminal: boolean;
  readonly consoleSize: { readonly height: number; readonly width: number } | undefined;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  readonly log: LogSettings;
  readonly runtime: OciRuntime;
  /** Keep the first output back until `release()`, so that clients which attached before the start miss nothing. */
  readonly hold: boolean;
  /**
   * With it the shim makes the network namespace (owned by the container's user namespace, so that NET_ADMIN, ping and
   * net.* sysctls work inside) and holds the OCI runtime back until this resolves: the engine puts the interfaces into
   * /proc/PID/ns/net meanwhile. PID is the shim's helper process; the spec's network (and user) namespace have its paths.
   * undefined: the spec's own network namespace is taken as it is (none, host, container:NAME).
   */
  readonly onNetworkNamespace: ((pid: number) => Promise<void>) | undefined;
}

/** An OCI runtime program (crun, runc, any other with their command line). */
export interface OciRuntime {
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
}

export interface ExitStatus {
  /** 0–255; 128+n when a signal ended it. */
  readonly code: number;
  readonly oomKilled: boolean;
  readonly at: string;
}

export interface ShimOutput {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

/** A stream to a process under the shim. Closing it never ends the process. */
export interface ShimStream {
  readonly output: AsyncIterable<ShimOutput>;
  write(data: Uint8Array): Promise<void>;
  endInput(): void;
  close(): void;
}

export interface ExecRequest {
  readonly id: string;
  /** OCI process object (config.md#process), written to a file beside the bundle by the implementation. */
  readonly process: OciSpec["process"];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly consoleSize: { readonly height: number; readonly width: number } | undefined;
}

export interface ExecHandle {
  readonly pid: number;
  /** What `Shim.execAgain` knows it by. */
  readonly number: number;
  /** Undefined when detached (no stream was asked for). */
  readonly stream: ShimStream | undefined;
  readonly exited: Promise<ExitStatus>;
  resize(height: number, width: number): Promise<void>;
  /** Race-free against its end. @throws HoyError "conflict" when it has ended. */
  signal(signal: number): Promise<void>;
  /** The exit has been noted: what the shim keeps of it for another engine may go. */
  noted(): void;
}

/** Up to where a log goes: so many bytes of the file with this inode. */
export interface LogPosition {
  readonly inode: number;
  readonly size: number;
}

/** A running container, as the engine holds it. */
export interface Shim {
  readonly pid: number;
  readonly shimPid: number;
  /** Always resolves, also when the shim itself was killed (then from exit.json or as 137). */
  readonly exited: Promise<ExitStatus>;
  attach(want: { stdin: boolean; stdout: boolean; stderr: boolean }): Promise<ShimStream>;
  /**
   * As `attach`; the log up to `logged` and then the stream is the whole output, each byte once. Undefined: the shim
   * can't say, or there is no such place (no log, one that may drop lines).
   */
  attachBehindLog(want: {
    stdin: boolean;
    stdout: boolean;
    stderr: boolean;
  }): Promise<{ readonly stream: ShimStream; readonly logged: LogPosition | undefined }>;
  release(): Promise<void>;
  exec(request: ExecRequest): Promise<ExecHandle>;
  /** One that a former engine started, without its streams. Undefined: nobody knows how it ended. */
  execAgain(number: number): Promise<ExecHandle | ExitStatus | undefined>;
  /** Sends a signal to the first process, race-free against its end. @throws "conflict" when it has ended. */
  signal(signal: number): Promise<void>;
  resize(height: number, width: number): Promise<void>;
  onOom(listener: () => void): void;
}

export interface ContainerRuntime {
  /** A start will follow within milliseconds: what can be waited for ahead of it is. Returns at once. */
  anticipateStart(): void;
  /** The same for an exec by this runtime. */
  anticipateExec(runtime: OciRuntime): void;
  /**
   * Starts the container; resolves when its process runs.
   * @throws HoyError "invalid" with Docker's words when the command is not found (exit 127) or can't be executed (126),
   * "internal" otherwise; nothing is left behind then.
   */
  start(request: StartRequest, beforeRun?: (shim: Shim) => Promise<void>): Promise<Shim>;
  /** After a restart of the engine: the running container again, or how it ended, or undefined when it never started. */
  adopt(id: string, bundle: string, state: string): Promise<Shim | ExitStatus | undefined>;
  /** Removes what a finished or half-started container left in the runtime: state of crun, cgroup, bundle. Idempotent. */
  cleanup(id: string, bundle: string, runtime: OciRuntime): Promise<void>;
}
