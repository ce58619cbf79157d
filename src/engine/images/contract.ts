// What the images give to the rest of the engine, and what they need from it. The containers create, mount and hold
// images through `ImageStore`; the images ask `ContainerSources` who uses them and, for commit, diff, export and copy,
// where a container's files are.

import type { ContainerConfig } from "../../api/types/container.ts";
import type { Digest } from "../../base/digest.ts";
import type { ImageConfigFile } from "../../image/config.ts";
import type { IdMap } from "../../runtime/contract.ts";

export interface ResolvedImage {
  readonly id: Digest;
  readonly config: ImageConfigFile;
  /** Bottom first. */
  readonly diffIds: readonly Digest[];
  /** As users see them: "busybox:latest". */
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Sum of the layers' sizes in bytes. */
  readonly size: number;
}

export interface ImageStore {
  /**
   * Finds an image by name, id, or the beginning of an id.
   * @param platform "os/arch[/variant]" that it must be fit for; undefined: any.
   * @throws HoyError "not-found" `No such image: foo:latest`, "invalid" for a bad reference.
   */
  resolve(ref: string, platform?: string): Promise<ResolvedImage>;

  /** The overlay's lower directories of an image, top first, mounted; none for an image without layers. */
  lowers(imageId: string): Promise<readonly string[]>;

  /**
   * Keeps the image's layers for a container (or another user with an id of its own) until `release`, whatever happens
   * to the image. Call it before the container's directories are made. Idempotent; survives a restart.
   * @throws "not-found" when the image went meanwhile.
   */
  retain(imageId: string, user: string): Promise<void>;

  /** The lowers that a user retained, also when the image itself is gone by now. */
  lowersOf(user: string): Promise<readonly string[]>;

  /** Ends `retain` and frees what nothing else holds. Idempotent. */
  release(user: string): Promise<void>;

  /** Users that retained something; at start the engine releases those whose container has no row. */
  users(): readonly { readonly user: string; readonly image: string }[];
}

/** Who uses an image, for list, remove and prune. */
export interface ImageUser {
  readonly id: string;
  readonly image: string;
  readonly running: boolean;
  /** No container: the image is mounted in this directory of the host. */
  readonly mountedAt?: string | undefined;
}

/** A container's files and settings, as commit, diff, export and copy need them. */
export interface ContainerSource {
  readonly id: string;
  readonly imageId: string;
  readonly config: ContainerConfig;
  readonly created: string;
  /** Top first; see `ImageStore.lowersOf`. */
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** Undefined: the host's user namespace. Files in `upper` have the ids that the container sees. */
  readonly idMap: IdMap | undefined;
  readonly readonlyRootfs: boolean;
  /** Of its events. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Everywhere that something is mounted over the root, tmpfs too; absolute. */
  readonly mountPoints: readonly string[];
  /** Those of them whose files are on the host; `source` is absolute there. */
  readonly mounts: readonly {
    readonly type: "bind" | "volume" | "image";
    readonly source: string;
    /** Path inside a volume or an image; "" for the whole. */
    readonly subpath: string;
    readonly name: string;
    readonly destination: string;
    readonly rw: boolean;
  }[];
  /** @throws HoyError "conflict" when the container was removed, or is about to be: what was read of it may be a part. */
  checkPresent(): void;
  /** Stops its processes for a consistent copy. The result undoes that; a container that is paused or down is left so. */
  freeze(): Promise<() => Promise<void>>;
  /**
   * Keeps the container from being started, stopped or removed until `release`, which is idempotent.
   * `pid`: host pid of its first process while it runs, else undefined.
   */
  hold(): Promise<{ readonly pid: number | undefined; readonly release: () => void }>;
}

export interface ContainerSources {
  /** @throws HoyError "not-found" `No such container: …`, "conflict" when it is being removed. */
  find(ref: string): Promise<ContainerSource>;
  users(): readonly ImageUser[];
}

/** The engine's event bus. Attributes go into the event's actor. */
export type EmitEvent = (
  type: "image" | "container",
  action: string,
  actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> },
) => void;
