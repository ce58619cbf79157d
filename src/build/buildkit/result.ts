// What a frontend gives: trees by platform, and what it says of them. A result of our own Dockerfile frontend brings its
// history along; one that comes from a client's frontend has only what travels in metadata.

import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import * as v from "valibot";
import { sha256 } from "../../base/digest.ts";
import type { Platform } from "../../image/platform.ts";
import type { DockerfileResult } from "../frontend/options.ts";
import type { ExecMount, Input } from "../graph.ts";
import type { FailedStep } from "../ops/failed.ts";
import { type Definition, DefinitionSchema, OpSchema } from "./proto/gen/ops_pb.ts";

/** Keys of metadata (BuildKit, exporter/containerimage/exptypes). */
export const META = {
  config: "containerimage.config",
  platforms: "refs.platforms",
  baseConfig: "containerimage.base.config",
  inlineCache: "containerimage.inlinecache",
} as const;

export interface BuildRef {
  readonly id: string;
  /** undefined: an empty tree. */
  readonly input: Input | undefined;
  readonly dockerfile: DockerfileResult | undefined;
  /** In place of an input: what a failed step left at one of its mounts. */
  readonly left?: { readonly failed: FailedStep; readonly mount: ExecMount };
}

export interface BuildResult {
  /** One, without a name; or one a platform, by the platform's id. */
  readonly refs: ReadonlyMap<string, BuildRef>;
  readonly metadata: ReadonlyMap<string, Uint8Array>;
}

/** Name of the only ref of a result that is of no platform in particular. */
export const ONLY = "";

export function newRef(input: Input | undefined, dockerfile?: DockerfileResult): BuildRef {
  return { id: randomBytes(16).toString("hex"), input, dockerfile };
}

/** The value of refs.platforms. */
export function platformsMetadata(platforms: readonly { readonly id: string; readonly platform: Platform }[]): Buffer {
  const list = platforms.map(({ id, platform }) => ({
    ID: id,
    Platform: {
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    },
  }));
  return Buffer.from(JSON.stringify({ Platforms: list }));
}

/** Names of the platforms in such a value; none in what can't be read, which is a client's. */
export function platformsIn(value: Uint8Array | undefined): string[] {
  const result = v.safeParse(platformsSchema, value === undefined ? undefined : jsonOf(value));
  return result.success ? result.output.Platforms.map(({ ID }) => ID) : [];
}

const platformsSchema = v.looseObject({ Platforms: v.array(v.looseObject({ ID: v.string() })) });

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Scheme of a source that stands for a result: what a client is given of it, to build upon in other builds too. */
export const RESULT_SCHEME = "hoy-result";

const MAX_RESULTS = 10_000;

/** Results that definitions may name, of builds that run and that ran lately. */
export class Results {
  readonly #refs = new Map<string, BuildRef>();

  add(ref: BuildRef): void {
    this.#refs.set(ref.id, ref);
    for (const id of this.#refs.keys()) {
      if (this.#refs.size <= MAX_RESULTS) return;
      this.#refs.delete(id);
    }
  }

  find(id: string): BuildRef | undefined {
    return this.#refs.get(id);
  }
}

export function definitionOf({ id }: BuildRef): Definition {
  const source = { identifier: `${RESULT_SCHEME}://${id}` };
  const op = toBinary(OpSchema, create(OpSchema, { op: { case: "source", value: source } }));
  const digest = sha256(op);
  const end = toBinary(OpSchema, create(OpSchema, { inputs: [{ digest }] }));
  // Without any metadata clients take it for none.
  return create(DefinitionSchema, { def: [op, end], metadata: { [digest]: {}, [sha256(end)]: {} } });
}
