// What a Dockerfile's instructions mean, one frozen shape for each: flags read, arguments named. Variables are not put
// in yet; that is the frontend's, as what they are depends on what came before.

import type { HealthCheck } from "../../../image/config.ts";
import type { Heredoc } from "../parse.ts";
import type { LineRange } from "../source.ts";

/** What every instruction has. */
export interface Place {
  /** As written: "Run", "run". */
  readonly name: string;
  /** The whole instruction on one line, without its here-documents. */
  readonly text: string;
  readonly range: LineRange;
  /** The comments right above. */
  readonly comments: readonly string[];
}

export interface Pair {
  readonly key: string;
  readonly value: string;
  /** Written `KEY value`, the old form. */
  readonly legacy: boolean;
}

/** A command in either form. */
export interface CommandLine {
  readonly args: readonly string[];
  /** The shell form: SHELL goes before it. */
  readonly shell: boolean;
  readonly heredocs: readonly Heredoc[];
}

export interface InlineFile {
  readonly name: string;
  readonly data: string;
  readonly expand: boolean;
}

export interface CopyFlags {
  readonly sources: readonly string[];
  /** Here-documents among the sources. */
  readonly inline: readonly InlineFile[];
  readonly target: string;
  readonly chown: string;
  readonly chmod: string;
  readonly link: boolean;
  readonly exclude: readonly string[];
}

export type MountType = "bind" | "cache" | "tmpfs" | "secret" | "ssh";

export interface RunMount {
  readonly type: MountType;
  /** A stage, an image or a named context; "": the build's own context. */
  readonly from: string;
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
  /** Bytes; 0: as the kernel has it. */
  readonly size: number;
  readonly id: string;
  readonly sharing: "shared" | "private" | "locked" | undefined;
  readonly required: boolean;
  /** A secret's variable. */
  readonly env: string | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

export interface ArgDefinition {
  readonly key: string;
  readonly value: string | undefined;
}

export type Add = Place &
  CopyFlags & {
    readonly kind: "ADD";
    readonly checksum: string;
    /** undefined: as the source says. */
    readonly keepGitDir: boolean | undefined;
    readonly unpack: boolean | undefined;
  };
export type Copy = Place & CopyFlags & { readonly kind: "COPY"; readonly from: string; readonly parents: boolean };
export type Run = Place & {
  readonly kind: "RUN";
  readonly command: CommandLine;
  /** As written: their values may hold variables. */
  readonly mounts: readonly string[];
  /** Where each is from, known without variables; "" for the build's context. */
  readonly mountSources: readonly string[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
  readonly devices: readonly string[];
};
export type From = Place & {
  readonly kind: "FROM";
  readonly base: string;
  /** Lower case; "": none. */
  readonly stage: string;
  /** The words as written: `AS`, `Name`. */
  readonly as: { readonly word: string; readonly name: string } | undefined;
  readonly platform: string;
};
export type Arg = Place & { readonly kind: "ARG"; readonly args: readonly ArgDefinition[] };
export type Pairs = Place & { readonly kind: "ENV" | "LABEL"; readonly pairs: readonly Pair[] };
export type Program = Place & { readonly kind: "CMD" | "ENTRYPOINT"; readonly command: CommandLine };
export type Words = Place & { readonly kind: "EXPOSE" | "VOLUME" | "SHELL"; readonly words: readonly string[] };
export type Text = Place & { readonly kind: "MAINTAINER" | "USER" | "WORKDIR" | "STOPSIGNAL"; readonly value: string };
export type Health = Place & { readonly kind: "HEALTHCHECK"; readonly check: HealthCheck };
export type Onbuild = Place & { readonly kind: "ONBUILD"; readonly expression: string };

/** All but FROM, which begins a stage. */
export type StageInstruction = Add | Copy | Run | Arg | Pairs | Program | Words | Text | Health | Onbuild;
export type TypedInstruction = From | StageInstruction;

export interface Stage {
  readonly from: From;
  readonly instructions: readonly StageInstruction[];
}

export interface Stages {
  /** ARG before the first FROM. */
  readonly globals: readonly Arg[];
  readonly stages: readonly Stage[];
}
