// Digests of graph parts: a vertex by its definition, a tree by its content. Canonical JSON underneath: the same value
// gives the same text, whatever the order in which its members were set.

import { type Digest, sha256 } from "../../base/digest.ts";
import type { Vertex } from "../graph.ts";
import type { Tree } from "../solver-contract.ts";

/** JSON with sorted members; what is undefined is left out, bytes are base64. */
export function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify({ bytes: Buffer.from(value).toString("base64") });
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

const known = new WeakMap<Vertex, Digest>();

/** Names a vertex by what it is made of, its name aside. Not recursive: a graph may be deep. */
export function vertexDigest(vertex: Vertex): Digest {
  for (const each of inOrder(vertex)) {
    if (known.has(each)) continue;
    const inputs = each.inputs.map(({ vertex: input, output }) => [known.get(input), output]);
    const { op, platform, ignoreCache } = each;
    known.set(each, sha256(canonical({ op, platform, ignoreCache, inputs })));
  }
  const digest = known.get(vertex);
  if (digest === undefined) throw new Error("a vertex was not visited");
  return digest;
}

/** The vertex and all that it needs, inputs before what needs them, each once. */
export function inOrder(target: Vertex): Vertex[] {
  const order: Vertex[] = [];
  const state = new Map<Vertex, "open" | "done">();
  const stack = [target];
  for (let vertex = stack.at(-1); vertex !== undefined; vertex = stack.at(-1)) {
    const seen = state.get(vertex);
    if (seen === undefined) {
      state.set(vertex, "open");
      for (const { vertex: input } of vertex.inputs.toReversed()) if (!state.has(input)) stack.push(input);
      continue;
    }
    stack.pop();
    if (seen === "done") continue;
    state.set(vertex, "done");
    order.push(vertex);
  }
  return order;
}

/** A tree's key says what is in it, not how it came to be: what comes out the same is built upon as the same. */
export function treeOf(diffIds: readonly Digest[]): Tree {
  return { diffIds, key: sha256(`tree\n${diffIds.join("\n")}`) };
}
