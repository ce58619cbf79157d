// The graph of a build: what is to be made from what. Small frozen nodes, made by a frontend (the Dockerfile's, or a
// definition that came over BuildKit's API) and executed by the solver; nothing is run here.
//
// The operations are those of BuildKit's LLB (solver/pb/ops.proto), so that a definition from any frontend maps one to
// one. A vertex has numbered inputs (outputs of other vertices) and numbered outputs; each output is a file tree.
//
//   source(image busybox) ─0→ exec(RUN …) ─0→ file(COPY …) ─0→ the result
//   source(local context) ─────────────────────1→

import type { Platform } from "../image/platform.ts";

export interface Vertex {
  readonly op: Op;
  readonly inputs: readonly Input[];
  readonly platform: Platform;
  /** What progress shows: "[build 2/4] RUN make". */
  readonly name: string;
  /** Run it even if its result is in the cache. */
  readonly ignoreCache: boolean;
  /** Where it stands in the Dockerfile; undefined for others. */
  readonly lines: { readonly start: number; readonly end: number } | undefined;
}

export interface Input {
  readonly vertex: Vertex;
  /** Which of its outputs. */
  readonly output: number;
}

export type Op = SourceOp | ExecOp | FileOp | MergeOp | DiffOp;

export type SourceOp = { readonly kind: "source" } & Source;

export type Source =
  | { readonly type: "scratch" }
  /** A normalised reference with a digest where known. */
  | { readonly type: "image"; readonly ref: string; readonly mode: "default" | "pull" | "local" }
  /** Files that the client has; asked for through the session. */
  | {
      readonly type: "local";
      readonly name: string;
      /** Of the client that lends it, where that is another one than the build's own. */
      readonly session?: string;
      readonly include: readonly string[];
      readonly exclude: readonly string[];
      readonly followPaths: readonly string[];
    }
  | {
      readonly type: "git";
      readonly url: string;
      readonly ref: string;
      readonly subdirectory: string;
      readonly keepGitDir: boolean;
      readonly checksum: string;
      /** Submodules are not fetched. */
      readonly skipSubmodules?: boolean;
    }
  | {
      readonly type: "http";
      readonly url: string;
      readonly checksum: string;
      readonly filename: string;
      readonly mode: number | undefined;
      readonly uid: number;
      readonly gid: number;
    };

export interface ExecOp {
  readonly kind: "exec";
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly hostname: string;
  readonly network: "sandbox" | "host" | "none";
  readonly insecure: boolean;
  readonly extraHosts: readonly { readonly host: string; readonly ip: string }[];
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly shmSize: number;
  readonly cgroupParent: string;
  /** Proxy variables: given to the command, never part of the key. */
  readonly proxyEnv: readonly string[];
  /** Secrets as variables: name in the environment → id. Never part of the key or the layer. */
  readonly secretEnv: readonly { readonly name: string; readonly id: string; readonly optional: boolean }[];
  /** The one at "/" is the root. */
  readonly mounts: readonly ExecMount[];
  /** Exit codes with which it went well, 0 only if it is among them; not given: 0. */
  readonly validExitCodes?: readonly number[];
}

export interface ExecMount {
  /** Index into the vertex's inputs; -1: empty. */
  readonly input: number;
  readonly selector: string;
  readonly target: string;
  readonly readonly: boolean;
  /** Number of the output that this mount becomes; -1: it is thrown away. */
  readonly output: number;
  readonly detail: ExecMountDetail;
}

export type ExecMountDetail =
  | { readonly type: "bind" }
  | {
      readonly type: "cache";
      readonly id: string;
      readonly sharing: "shared" | "private" | "locked";
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly type: "tmpfs"; readonly size: number }
  | {
      readonly type: "secret";
      readonly id: string;
      readonly optional: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly type: "ssh";
      readonly id: string;
      readonly optional: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    };

/** Changes of files, in order; each action works on one tree and gives a new one. */
export interface FileOp {
  readonly kind: "file";
  readonly actions: readonly FileAction[];
}

export interface FileAction {
  /** Index into the vertex's inputs, or past them: the result of an earlier action. -1: scratch. */
  readonly input: number;
  /** The copy's source; -1 for others. */
  readonly secondary: number;
  /** Number of the vertex's output that this is; -1: only a step on the way. */
  readonly output: number;
  readonly action: FileChange;
}

export interface Owner {
  /** Name or number, looked up in the tree that is changed; undefined: as the source has it, or root. */
  readonly user: string | number | undefined;
  readonly group: string | number | undefined;
}

export type FileChange =
  | {
      readonly type: "copy";
      readonly source: string;
      readonly target: string;
      readonly owner: Owner | undefined;
      /** Octal bits, or chmod(1)'s symbolic words. */
      readonly mode: number | string | undefined;
      readonly followSymlink: boolean;
      readonly contentsOnly: boolean;
      readonly unpack: boolean;
      readonly createTarget: boolean;
      readonly allowWildcard: boolean;
      readonly allowEmptyWildcard: boolean;
      readonly include: readonly string[];
      readonly exclude: readonly string[];
      /** COPY --parents: the source's directories are made too; of "a/./b/c" only those after the dot. */
      readonly parents: boolean;
      readonly alwaysReplace: boolean;
      /** Seconds since the epoch for everything made; undefined: the source's own. */
      readonly created: number | undefined;
    }
  | {
      readonly type: "file";
      readonly path: string;
      readonly data: Uint8Array;
      readonly mode: number;
      readonly owner: Owner | undefined;
      readonly created: number | undefined;
    }
  | {
      readonly type: "directory";
      readonly path: string;
      readonly mode: number;
      readonly parents: boolean;
      readonly owner: Owner | undefined;
      readonly created: number | undefined;
    }
  | {
      readonly type: "symlink";
      readonly path: string;
      readonly target: string;
      readonly owner: Owner | undefined;
      readonly created: number | undefined;
    }
  | { readonly type: "remove"; readonly path: string; readonly allowMissing: boolean; readonly allowWildcard: boolean };

/** Later inputs over earlier ones: COPY --link's layers on a base that they do not depend on. */
export interface MergeOp {
  readonly kind: "merge";
}

/** What input 1 has over input 0. */
export interface DiffOp {
  readonly kind: "diff";
}

export function vertex(op: Op, inputs: readonly Input[], rest: Omit<Vertex, "op" | "inputs">): Vertex {
  return Object.freeze({ op: Object.freeze(op), inputs: Object.freeze([...inputs]), ...rest });
}
