// What a container's OCI spec is made from, and what comes out. Everything that needs the engine (looking up the
// other container of `container:NAME`, volumes, the image's config) has been done by the caller; everything that
// needs the host has been probed once, into HostFacts. So the same input always gives the same spec.

import type { ContainerConfig, HostConfig } from "../../api/types/container.ts";
import type { IdMap, StagedBind } from "../contract.ts";
import type { OciSpec } from "../oci.ts";
import type { ResolvedUser } from "../userns/user.ts";
import type { HostFacts } from "./facts.ts";

export type Propagation = "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";

/** A bind mount: of a host path, of a volume's directory, of an image's tree. */
export interface ResolvedBind {
  readonly type: "bind";
  /** Absolute, exists. */
  readonly source: string;
  /** Absolute path in the container. */
  readonly destination: string;
  readonly writable: boolean;
  /** undefined: rprivate. */
  readonly propagation?: Propagation | undefined;
  /** Take the mounts below the source along (rbind), the default. */
  readonly recursive?: boolean;
  /** A read-only bind: are the mounts below it read-only too? "try" (the default) falls back silently, as Docker does. */
  readonly readOnlyBelow?: "try" | "no" | "force";
  /** false: keep the host's ids even in a user namespace (owners show as nobody). Default true. */
  readonly idmap?: boolean;
}

export interface ResolvedTmpfs {
  readonly type: "tmpfs";
  readonly destination: string;
  /** As `--tmpfs` takes them: "rw,size=64m,mode=1777"; "" for none. */
  readonly options: string;
}

export type ResolvedMount = ResolvedBind | ResolvedTmpfs;

export type NetworkNamespace =
  /** The OCI runtime makes an empty one (loopback only), or the shim, which then puts its path into the spec. */
  | { readonly kind: "new" }
  | { readonly kind: "host" }
  /** `owned`: it belongs to the container's own user namespace, so that sysfs can be mounted and net.* be written. */
  | { readonly kind: "join"; readonly path: string; readonly owned: boolean };

export interface SpecNamespaces {
  readonly network: NetworkNamespace;
  /** Join this user namespace (/proc/PID/ns/user) in place of a new one; `idMap` must be its mapping. */
  readonly user?: string | undefined;
  /** For ipc=container:NAME, /proc/PID/ns/ipc. */
  readonly ipc?: string | undefined;
  /** For pid=container:NAME, /proc/PID/ns/pid. */
  readonly pid?: string | undefined;
}

/** Files of the engine that are put over the image's own; left out where undefined or where a mount covers them. */
export interface ContainerFiles {
  readonly hostname?: string | undefined;
  readonly hosts?: string | undefined;
  readonly resolvConf?: string | undefined;
}

export interface SpecInput {
  readonly id: string;
  /** Bundle directory: the root file system is at `rootfs`, bind sources are staged at `binds/N`. */
  readonly bundle: string;
  /** The container's config with the image's merged in; Entrypoint and Cmd make the command. */
  readonly config: ContainerConfig;
  /** With defaults filled in (`withHostDefaults`) and checked (`validateHostConfig`). */
  readonly hostConfig: HostConfig;
  readonly user: ResolvedUser;
  /** Binds, volumes, and more tmpfs; those of HostConfig.Tmpfs and of Mounts with type tmpfs are added here. */
  readonly mounts: readonly ResolvedMount[];
  readonly files: ContainerFiles;
  /** undefined: the host's user namespace. */
  readonly idMap: IdMap | undefined;
  readonly namespaces: SpecNamespaces;
  /** Directory on the host that is /dev/shm: the other's for ipc=container:NAME, its own when "shareable". */
  readonly shmPath?: string | undefined;
  /**
   * Directory for device nodes of the container's own, made when needed; not on a file system mounted nodev (/run is).
   * undefined: in a user namespace the host's nodes are bound, whose owner is nobody there.
   */
  readonly deviceDirectory?: string | undefined;
  /** As `cgroupPath` makes it. */
  readonly cgroupPath: string;
  readonly facts: HostFacts;
  /** What the daemon was started with. */
  readonly defaults: SpecDefaults;
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
}

export interface SpecDefaults {
  /** Ulimits of containers that do not set them. */
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  /** Whether containers get an init when they do not say. */
  readonly init: boolean;
  /** Absolute path of the init program; undefined: none was found. */
  readonly initPath: string | undefined;
  /** "builtin", "unconfined", or a profile's JSON text. */
  readonly seccompProfile: string;
  readonly noNewPrivileges: boolean;
}

export interface BuiltSpec {
  readonly spec: OciSpec;
  readonly binds: readonly StagedBind[];
  /** For the client: what was changed or left out. */
  readonly warnings: readonly string[];
}
