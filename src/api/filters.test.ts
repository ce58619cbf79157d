import { expect, test } from "bun:test";
import fc from "fast-check";
import { encodeFilters, parseFilters } from "./filters.ts";

const plain = (text: string | null) => Object.fromEntries([...parseFilters(text)].map(([key, set]) => [key, [...set]]));

test("both spellings, and none", () => {
  expect(plain('{"status":["running","paused"],"label":["a=b"]}')).toEqual({
    status: ["running", "paused"],
    label: ["a=b"],
  });
  expect(plain('{"status":{"running":true,"paused":false}}')).toEqual({ status: ["running", "paused"] });
  for (const nothing of [null, "", "null", "{}"]) expect(parseFilters(nothing).size).toBe(0);
});

test("anything else is an invalid filter", () => {
  for (const bad of [
    "x",
    "[]",
    '"a"',
    "1",
    '{"a":1}',
    '{"a":[1]}',
    '{"a":{"b":1}}',
    '{"a":"b"}',
    `{"a":"${"b".repeat(300_000)}"}`,
  ]) {
    expect(() => parseFilters(bad)).toThrow("invalid filter");
  }
});

test("keys of a hostile client are only keys", () => {
  expect(plain('{"__proto__":["x"]}')).toEqual(Object.fromEntries([["__proto__", ["x"]]]));
  expect(parseFilters('{"toString":["x"]}').get("valueOf")).toBeUndefined();
});

test("what is encoded is read back", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.uniqueArray(fc.string(), { minLength: 1 }))), (entries) => {
      const filters = new Map(entries.map(([key, values]) => [key, new Set(values)]));
      expect(parseFilters(encodeFilters(filters))).toEqual(filters);
    }),
  );
});
