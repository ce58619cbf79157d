// What is asked of the classic builder, and of what builds keep.

import type { Resources } from "../types/container.ts";
import type { ProgressMessage } from "./common.ts";
import type { RegistryAuth } from "./images.ts";

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
