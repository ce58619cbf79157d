// LLB as frontends write it: definitions are marshalled here as BuildKit's own client does, each op naming its inputs by
// the digests of their bytes.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { sha256 } from "../../src/base/digest.ts";
import {
  type Definition,
  DefinitionSchema,
  type ExecOpSchema,
  OpSchema,
} from "../../src/build/buildkit/proto/gen/ops_pb.ts";

type OpInit = NonNullable<MessageInitShape<typeof OpSchema>["op"]>;
type Exec = Omit<MessageInitShape<typeof ExecOpSchema>, "mounts" | "meta">;
type FileAction = Record<string, unknown>;

/** An output of an op. */
export interface Node {
  readonly bytes: Uint8Array;
  readonly output: number;
  readonly inputs: readonly Node[];
}

export function op(what: OpInit, inputs: readonly Node[] = [], output = 0): Node {
  const links = inputs.map((input) => ({ digest: sha256(input.bytes), index: BigInt(input.output) }));
  return { bytes: toBinary(OpSchema, create(OpSchema, { op: what, inputs: links })), output, inputs };
}

export const source = (identifier: string, attrs: Record<string, string> = {}): Node =>
  op({ case: "source", value: { identifier, attrs } });

export const busybox = (): Node => source("docker-image://docker.io/library/busybox:latest");

export interface CommandOptions extends Partial<Exec> {
  readonly meta?: object;
  /** Beside the root. */
  readonly mounts?: readonly object[];
  /** Inputs after the root. */
  readonly with?: readonly Node[];
}

/** A shell command on a root, and what else is mounted: its result is the root's. */
export function run(root: Node, command: string, more: CommandOptions = {}): Node {
  const { with: others = [], meta, mounts = [], ...rest } = more;
  const base = { args: ["/bin/sh", "-c", command], cwd: "/", env: ["PATH=/bin"], ...meta };
  const value = { network: 2, meta: base, mounts: [{ input: 0n, dest: "/", output: 0n }, ...mounts], ...rest };
  return op({ case: "exec", value } as OpInit, [root, ...others]);
}

/** File actions one after the other; each has the fields that say what it works on. */
export function files(inputs: readonly Node[], ...actions: readonly FileAction[]): Node {
  return op({ case: "file", value: { actions } } as unknown as OpInit, inputs);
}

export function marshal(target: Node): Definition {
  const def: Uint8Array[] = [];
  const seen = new Set<string>();
  const add = (node: Node) => {
    const digest = sha256(node.bytes);
    if (seen.has(digest)) return;
    seen.add(digest);
    for (const input of node.inputs) add(input);
    def.push(node.bytes);
  };
  add(target);
  const end = toBinary(
    OpSchema,
    create(OpSchema, { inputs: [{ digest: sha256(target.bytes), index: BigInt(target.output) }] }),
  );
  return create(DefinitionSchema, { def: [...def, end] });
}
