// LLB as it travels (pb.Definition) → the graph. Each op names its inputs by the digest of their bytes, so a cycle can't
// be written; everything else is checked here. What the graph has no word for is an error that says so.

import { fromBinary } from "@bufbuild/protobuf";
import { sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { hostPlatform, normalizePlatform, type Platform } from "../../../image/platform.ts";
import { type Input, type Op, type Vertex, vertex } from "../../graph.ts";
import { type Definition, OpSchema, type Op as PbOp, type Platform as PbPlatform } from "../proto/gen/ops_pb.ts";
import { RESULT_SCHEME, type Results } from "../result.ts";
import { execOp } from "./exec.ts";
import { fileOp } from "./file.ts";
import { sourceOp } from "./source.ts";
import { missing, whole } from "./values.ts";

const MAX_OPS = 100_000;
const MAX_INPUTS = 10_000;

/** @returns undefined: the definition is of an empty tree. @throws HoyError "invalid", "not-implemented". */
export function loadDefinition(definition: Definition, results: Results): Input | undefined {
  if (definition.def.length === 0) return undefined;
  if (definition.def.length > MAX_OPS) throw new HoyError("too-large", `a definition of more than ${MAX_OPS} ops`);
  const vertices = new Map<string, Vertex | Input>();
  const ops = definition.def.map((bytes) => ({ digest: sha256(bytes), op: decode(bytes) }));
  const last = ops.pop();
  // The last one only points at the result.
  if (last === undefined || last.op.op.case !== undefined || last.op.inputs.length > 1) {
    throw new HoyError("invalid", "the definition has no end");
  }
  // They may come in any order; each is made when its inputs are.
  let waiting = ops;
  while (waiting.length > 0) {
    const left = waiting.filter(({ digest, op }) => {
      if (!op.inputs.every((input) => vertices.has(input.digest))) return true;
      vertices.set(digest, resultOf(op, results) ?? vertexOf(op, digest, definition, vertices));
      return false;
    });
    if (left.length === waiting.length) throw new HoyError("invalid", "the definition names ops that it does not have");
    waiting = left;
  }
  const [target] = last.op.inputs;
  return target === undefined ? undefined : inputOf(target, vertices);
}

/** The result of a build that a client was given before. */
function resultOf({ op }: PbOp, results: Results): Input | undefined {
  if (op.case !== "source" || !op.value.identifier.startsWith(`${RESULT_SCHEME}://`)) return undefined;
  const found = results.find(op.value.identifier.slice(RESULT_SCHEME.length + 3));
  if (found === undefined) throw new HoyError("not-found", "the definition names a result that is gone");
  return found.input ?? SCRATCH;
}

function decode(bytes: Uint8Array): PbOp {
  try {
    return fromBinary(OpSchema, bytes);
  } catch (thrown) {
    throw new HoyError("invalid", "an op of the definition can't be read", { cause: thrown });
  }
}

function inputOf(input: PbOp["inputs"][number], vertices: ReadonlyMap<string, Vertex | Input>): Input {
  const found = vertices.get(input.digest);
  if (found === undefined) throw new HoyError("invalid", `the definition has no op ${input.digest.slice(0, 100)}`);
  if ("vertex" in found) return found;
  return { vertex: found, output: whole(input.index, "an output") };
}

function vertexOf(
  op: PbOp,
  digest: string,
  { metadata, source }: Definition,
  vertices: ReadonlyMap<string, Vertex | Input>,
): Vertex {
  if (op.inputs.length > MAX_INPUTS) throw new HoyError("too-large", `an op of more than ${MAX_INPUTS} inputs`);
  const all = op.inputs.map((input) => inputOf(input, vertices));
  const about = metadata[digest];
  const platform = platformOf(op.platform);
  const { inputs, made } = madeOf(op, all);
  const range = source?.locations[digest]?.locations[0]?.ranges[0];
  const start = range?.start?.line ?? 0;
  return vertex(made, inputs, {
    platform,
    name: (about?.description["llb.customname"] ?? nameOf(made)).slice(0, 4096),
    ignoreCache: about?.ignoreCache ?? false,
    lines: start > 0 ? { start, end: Math.max(start, range?.end?.line ?? start) } : undefined,
  });
}

function madeOf({ op }: PbOp, inputs: readonly Input[]): { readonly inputs: readonly Input[]; readonly made: Op } {
  const at = (index: bigint | undefined): Input | undefined =>
    index === undefined || index < 0n ? undefined : inputs[whole(index, "an input")];
  const present = (list: readonly (Input | undefined)[]) => list.filter((each) => each !== undefined);
  switch (op.case) {
    case "source":
      return { inputs, made: sourceOp(op.value) };
    case "exec":
      return { inputs, made: execOp(op.value, inputs.length) };
    case "file":
      return { inputs, made: fileOp(op.value, inputs.length) };
    case "merge":
      return { inputs: present(op.value.inputs.map(({ input }) => at(input))), made: { kind: "merge" } };
    case "diff": {
      const upper = at(op.value.upper?.input ?? -1n) ?? SCRATCH;
      const lower = at(op.value.lower?.input ?? -1n) ?? SCRATCH;
      return { inputs: [lower, upper], made: { kind: "diff" } };
    }
    case "build":
      throw missing("a build inside of a definition");
    case "passthrough":
      throw missing("passthrough");
    case undefined:
      throw new HoyError("invalid", "an op of the definition does nothing");
  }
}

const SCRATCH: Input = {
  vertex: vertex({ kind: "source", type: "scratch" }, [], {
    platform: hostPlatform,
    name: "scratch",
    ignoreCache: false,
    lines: undefined,
  }),
  output: 0,
};

export function platformOf(platform: PbPlatform | undefined): Platform {
  if (platform === undefined || platform.os === "" || platform.architecture === "") return hostPlatform;
  const { os, architecture, variant } = platform;
  return normalizePlatform({ os, architecture, variant: variant === "" ? undefined : variant });
}

/** As BuildKit names ops that nobody named. */
function nameOf(op: Op): string {
  switch (op.kind) {
    case "source":
      return op.type === "image" ? `docker-image://${op.ref}` : op.type === "local" ? `local://${op.name}` : op.type;
    case "exec":
      return op.args.join(" ");
    case "file":
      return op.actions.map(({ action }) => action.type).join(", ");
    default:
      return op.kind;
  }
}
