// One container as the engine holds it: its record (which is saved), and what only lives in memory (the shim, who
// waits, which attach came before the start). Verbs change it under `lock`; inspect and list read without.

import { join } from "node:path";
import { type Paths, paths } from "../../base/paths.ts";
import type { Reservation } from "../../network/contract.ts";
import type { Shim } from "../../runtime/contract.ts";
import type { ContainerRecord, ContainerSpec, ContainerState } from "../../state/containers.ts";
import type { Exec } from "../exec/exec.ts";
import { Lock } from "../lock.ts";
import { ZERO_TIME } from "../time.ts";
import type { PendingAttach } from "./pending-attach.ts";
import { Waiters } from "./waiters.ts";

export class Container implements ContainerRecord {
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
  readonly lock = new Lock();
  readonly waiters = new Waiters();
  /** Attached before the start; served when the shim is there. */
  readonly pending = new Set<PendingAttach>();
  readonly exitListeners = new Set<() => void>();
  readonly execs = new Map<string, Exec>();
  shim: Shim | undefined;
  /** What networking gave it, while it runs. */
  reservation: Reservation | undefined;
  /** Nothing of its last run is left in runtime and network. */
  clean = true;
  /** Fires when the container stops: ends health checks and whatever else runs beside it. */
  running: AbortController | undefined;
  /** The restart policy's next try. */
  restartTimer: ReturnType<typeof setTimeout> | undefined;
  /** Consecutive quick ends, for the backoff. */
  quickExits = 0;
  /** How many clients' `restart` are stopping it: AutoRemove waits for the next end. */
  restarts = 0;
  /** Its removal is under way: a state "removing" alone may be what a former engine left. */
  removing = false;
  /** Someone asked for the end of this run; the restart policy keeps out of it. A start begins without it. */
  stopping = false;
  readonly paths: ContainerPaths;

  constructor(record: ContainerRecord, roots: Paths) {
    this.spec = record.spec;
    this.state = record.state;
    this.paths = containerPaths(roots, record.spec.id);
  }

  /** Calls back at each exit and at the removal; the result ends that. For those who follow the log. */
  onExit(listener: () => void): () => void {
    this.exitListeners.add(listener);
    return () => this.exitListeners.delete(listener);
  }

  get id(): string {
    return this.spec.id;
  }

  get name(): string {
    return this.spec.name;
  }

  /** Attributes of its events: labels, image, name. */
  get attributes(): Record<string, string> {
    return { ...this.spec.config.Labels, image: this.spec.config.Image ?? "", name: this.spec.name };
  }
}

export interface ContainerPaths {
  /** The container's directory in the data root. */
  readonly root: string;
  readonly upper: string;
  readonly work: string;
  readonly logs: string;
  readonly log: string;
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
  /** The OCI bundle; ends with the boot. */
  readonly bundle: string;
}

export function containerPaths(roots: Paths, id: string): ContainerPaths {
  const root = paths.container(roots, id);
  return {
    root,
    upper: join(root, "upper"),
    work: join(root, "work"),
    logs: join(root, "log"),
    log: join(root, "log", `${id}-json.log`),
    hosts: join(root, "hosts"),
    hostname: join(root, "hostname"),
    resolvConf: join(root, "resolv.conf"),
    bundle: paths.bundle(roots, id),
  };
}

/** The state of a container that was just created. */
export function newState(): ContainerState {
  return {
    status: "created",
    pid: 0,
    exitCode: 0,
    error: "",
    oomKilled: false,
    startedAt: ZERO_TIME,
    finishedAt: ZERO_TIME,
    restartCount: 0,
    manuallyStopped: false,
    health: undefined,
  };
}
