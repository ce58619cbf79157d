// What a build of a Dockerfile is asked for, and what it becomes: a graph for the solver and an image's config. Both
// doors (REST and BuildKit's gRPC) fill the same options.

import type { HistoryEntry, ImageConfigFile } from "../../image/config.ts";
import { hostPlatform, type Platform } from "../../image/platform.ts";
import type { LineRange } from "../dockerfile/source.ts";
import type { ExecOp, Input, Source } from "../graph.ts";
import type { LintWarning } from "../lint/linter.ts";

/** Files to copy from or an image to begin with: fetched from somewhere, or made by another build. */
export type BuildContext =
  | Source
  | { readonly type: "result"; readonly input: Input; readonly config: ImageConfigFile | undefined };

export interface DockerfileOptions {
  readonly text: string;
  /** Of the Dockerfile, as errors show it. */
  readonly name: string;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  /** A stage's name or number; "": the last. */
  readonly target: string;
  /** undefined: the machine's own, or what the base image is of. */
  readonly platform: Platform | undefined;
  readonly buildPlatform: Platform;
  /** Steps are named with their platform: several are built at once. */
  readonly showPlatform: boolean;
  /** Run again: everything, or the stages of these names. */
  readonly noCache: boolean | readonly string[];
  readonly pullMode: "default" | "pull" | "local";
  /** By name; `name::linux/arm64` is for that platform only. */
  readonly contexts: ReadonlyMap<string, BuildContext>;
  /** Its `exclude` holds the patterns of .dockerignore. */
  readonly mainContext: BuildContext;
  readonly network: ExecOp["network"];
  readonly hostname: string;
  readonly extraHosts: ExecOp["extraHosts"];
  readonly ulimits: ExecOp["ulimits"];
  /** Bytes; 0: the default. */
  readonly shmSize: number;
  readonly cgroupParent: string;
  /** Seconds; a build argument SOURCE_DATE_EPOCH goes before it. */
  readonly sourceDateEpoch: number | undefined;
  /** Of VOLUME, EXPOSE, ENV and LABEL: what of the base image is dropped, besides what `# hoy: unset` names. */
  readonly unset: readonly string[];
}

const DEFAULTS: Omit<DockerfileOptions, "text"> = {
  name: "Dockerfile",
  buildArgs: new Map(),
  labels: new Map(),
  target: "",
  platform: undefined,
  buildPlatform: hostPlatform,
  showPlatform: false,
  noCache: false,
  pullMode: "default",
  contexts: new Map(),
  mainContext: { type: "local", name: "context", include: [], exclude: [], followPaths: [] },
  network: "sandbox",
  hostname: "",
  extraHosts: [],
  ulimits: [],
  shmSize: 0,
  cgroupParent: "",
  sourceDateEpoch: undefined,
  unset: [],
};

export function dockerfileOptions(given: Partial<DockerfileOptions> & { readonly text: string }): DockerfileOptions {
  return { ...DEFAULTS, ...given };
}

/** An image's config before its layers are known. */
export type ImageDraft = Omit<ImageConfigFile, "rootfs" | "history">;

export interface HistoryStep {
  /** `created` is set only where a source date says it. */
  readonly entry: HistoryEntry;
  /** The tree after it, where the step made one; undefined for steps that only say something, and for the base's. */
  readonly made: Input | undefined;
}

/** One instruction as the classic builder counts them: `Step 2/7 : RUN make`. */
export interface ClassicStep {
  readonly text: string;
  readonly range: LineRange;
  /** The stage's tree after it; undefined: nothing in it yet. */
  readonly tree: Input | undefined;
  /** It made or changed files. */
  readonly hasLayer: boolean;
  /** Brought by the base image's ONBUILD. */
  readonly trigger: boolean;
}

export interface DockerfileResult {
  readonly target: Input;
  readonly config: ImageDraft;
  /** The base image's first. */
  readonly history: readonly HistoryStep[];
  readonly steps: readonly ClassicStep[];
  readonly warnings: readonly LintWarning[];
  /** The source date in force, seconds. */
  readonly sourceDateEpoch: number | undefined;
  /** Build arguments that nothing asked for. */
  readonly unusedArgs: readonly string[];
  /** The base image of the target: its name with its digest. */
  readonly bases: readonly { readonly ref: string; readonly digest: string; readonly platform: Platform }[];
}
