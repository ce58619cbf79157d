// JSON re-indented without being understood: no key moves, no digit is lost.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { compactJson, indentJson, toHtmlSafeJson, toJson } from "./json.ts";
import type { Value } from "./value.ts";

test("as Go's json.Indent", () => {
  expect(indentJson('[{"b":1,"10":{},"2":[],"a":[1,"x,:{}[]\\"",null]}]')).toBe(
    '[\n    {\n        "b": 1,\n        "10": {},\n        "2": [],\n        "a": [\n            1,\n            "x,:{}[]\\"",\n            null\n        ]\n    }\n]',
  );
});

test("numbers keep every digit", () => {
  expect(compactJson('{ "limit" : 18446744073709551615, "x": 1.50e+10 }')).toBe(
    '{"limit":18446744073709551615,"x":1.50e+10}',
  );
});

test("whatever the value, it is the same value after", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(compactJson(indentJson(text))).toBe(text);
      expect(indentJson(text)).toBe(JSON.stringify(value, undefined, 4));
      expect(JSON.parse(toJson(value as Value))).toEqual(JSON.parse(text));
      expect(JSON.parse(toHtmlSafeJson(value as Value))).toEqual(JSON.parse(text));
    }),
  );
});
