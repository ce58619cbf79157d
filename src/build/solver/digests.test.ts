import { expect, test } from "bun:test";
import fc from "fast-check";
import { hostPlatform } from "../../image/platform.ts";
import { type Input, vertex } from "../graph.ts";
import { canonical, inOrder, treeOf, vertexDigest } from "./digests.ts";

const rest = { platform: hostPlatform, ignoreCache: false, lines: undefined };
const scratch = (name: string): Input => ({
  vertex: vertex({ kind: "source", type: "scratch" }, [], { ...rest, name }),
  output: 0,
});

test("the order of members does not count, everything else does", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).reverse());
      expect(canonical(turned)).toBe(canonical(value));
      expect(canonical({ ...value, "\u0000new": 1 })).not.toBe(canonical(value));
    }),
  );
  expect(canonical({ a: undefined, b: 1 })).toBe(canonical({ b: 1 }));
  expect(canonical(new Uint8Array([1]))).not.toBe(canonical([1]));
});

test("a vertex's name does not count, its inputs do", () => {
  const merge = (inputs: Input[], name: string) => vertex({ kind: "merge" }, inputs, { ...rest, name });
  expect(vertexDigest(merge([scratch("a")], "x"))).toBe(vertexDigest(merge([scratch("b")], "y")));
  expect(vertexDigest(merge([scratch("a")], "x"))).not.toBe(vertexDigest(merge([scratch("a"), scratch("a")], "x")));
});

test("a deep graph is walked without a deep stack, each vertex once, inputs first", () => {
  let top = scratch("base");
  for (let depth = 0; depth < 20_000; depth++) {
    top = { vertex: vertex({ kind: "merge" }, [top, top], { ...rest, name: `${depth}` }), output: 0 };
  }
  const order = inOrder(top.vertex);
  expect(order.length).toBe(20_001);
  expect(order[0]?.name).toBe("base");
  expect(vertexDigest(top.vertex)).toStartWith("sha256:");
});

test("a tree's key is its content", () => {
  expect(treeOf([]).key).toBe(treeOf([]).key);
  expect(treeOf(["sha256:a", "sha256:b"]).key).not.toBe(treeOf(["sha256:b", "sha256:a"]).key);
});
