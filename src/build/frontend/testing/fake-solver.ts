// A solver for the frontend's tests: it knows images by their names and runs nothing.

import { sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { ImageConfigFile, RunConfig } from "../../../image/config.ts";
import { parseConfig } from "../../../image/config.ts";
import { DockerfileError } from "../../dockerfile/source.ts";
import { NOTHING_MORE } from "../../entitlements.ts";
import type { Op, Vertex } from "../../graph.ts";
import type { SolveOptions, Solver } from "../../solver-contract.ts";
import { buildDockerfile } from "../build.ts";
import { type DockerfileOptions, type DockerfileResult, dockerfileOptions } from "../options.ts";

export interface FakeImage {
  readonly config?: Partial<RunConfig>;
  readonly architecture?: string;
  readonly layers?: number;
}

export const IMAGE_DIGEST = sha256(Buffer.from("image"));

/** Images by familiar name ("busybox:latest"); any other is not there. */
export function fakeSolver(images: Readonly<Record<string, FakeImage>>): Solver & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    solve: () => Promise.reject(new Error("nothing is solved here")),
    readFile: () => Promise.reject(new Error("nothing is read here")),
    createdAt: () => Promise.resolve(undefined),
    end: () => Promise.resolve(),
    imageConfig(ref, platform) {
      asked.push(ref);
      const image = images[ref.replace(/^docker\.io\/(?:library\/)?/, "")];
      if (image === undefined) return Promise.reject(new HoyError("not-found", `${ref}: not found`));
      return Promise.resolve({ ref, digest: IMAGE_DIGEST, config: configOf(image, platform.architecture) });
    },
  };
}

function configOf(image: FakeImage, architecture: string): ImageConfigFile {
  const diff_ids = Array.from({ length: image.layers ?? 1 }, (_, index) => sha256(Buffer.from(`layer ${index}`)));
  const file = {
    os: "linux",
    architecture: image.architecture ?? architecture,
    config: image.config ?? {},
    rootfs: { type: "layers", diff_ids },
    history: diff_ids.map(() => ({ created_by: "base" })),
  };
  return parseConfig(Buffer.from(JSON.stringify(file)));
}

export const BUSYBOX: Readonly<Record<string, FakeImage>> = {
  "busybox:latest": { config: { Cmd: ["sh"], Env: ["PATH=/bin"] } },
};

function ignore(): void {
  // Progress goes nowhere.
}

export const SOLVE_OPTIONS: SolveOptions = {
  session: {
    id: "test",
    local: () => Promise.reject(new Error("no files here")),
    secret: () => Promise.resolve(undefined),
    ssh: () => Promise.resolve(undefined),
    registryAuth: () => Promise.resolve(undefined),
  },
  progress: {
    vertex: ignore,
    started: ignore,
    completed: ignore,
    log: ignore,
    status: ignore,
    warning: ignore,
  },
  signal: new AbortController().signal,
  entitlements: NOTHING_MORE,
  sourceDateEpoch: undefined,
};

/** On a linux/amd64 machine with busybox, unless said otherwise. */
export function build(
  text: string,
  options: Partial<DockerfileOptions> = {},
  images: Readonly<Record<string, FakeImage>> = BUSYBOX,
): Promise<DockerfileResult> {
  const given = dockerfileOptions({ buildPlatform: { os: "linux", architecture: "amd64" }, ...options, text });
  return buildDockerfile(given, fakeSolver(images), SOLVE_OPTIONS);
}

/** All vertices of a result, inputs before what needs them. */
export function vertices(result: DockerfileResult): Vertex[] {
  const found = new Set<Vertex>();
  const visit = (one: Vertex): void => {
    if (found.has(one)) return;
    for (const input of one.inputs) visit(input.vertex);
    found.add(one);
  };
  visit(result.target.vertex);
  return [...found];
}

export function names(result: DockerfileResult): string[] {
  return vertices(result).map(({ name }) => name);
}

export function history(result: DockerfileResult): string[] {
  return result.history.filter(({ entry }) => entry.comment !== undefined).map(({ entry }) => entry.created_by ?? "");
}

/** What went wrong, without the lines around it; "" when nothing did. */
export function faultOf(text: string, options: Partial<DockerfileOptions> = {}): Promise<string> {
  return build(text, options).then(
    () => "",
    (error: unknown) => (error instanceof DockerfileError ? error.fault : String(error)),
  );
}

/** The operation that the whole Dockerfile ends in. */
export async function lastOp<K extends Op["kind"]>(
  kind: K,
  text: string,
  options: Partial<DockerfileOptions> = {},
): Promise<{ readonly op: Extract<Op, { kind: K }>; readonly vertex: Vertex }> {
  const { vertex } = (await build(text, options)).target;
  const { op } = vertex;
  if (!isKind(op, kind)) throw new Error(`it ends in a ${op.kind}, not a ${kind}`);
  return { op, vertex };
}

function isKind<K extends Op["kind"]>(op: Op, kind: K): op is Extract<Op, { kind: K }> {
  return op.kind === kind;
}
