import { expect, test } from "bun:test";
import { specJson } from "./json.ts";
import { RLIM_INFINITY } from "./process.ts";

test("no limit is written as the kernel's, and nothing else is touched", () => {
  const spec = {
    rlimits: [{ type: "RLIMIT_CORE", soft: 5, hard: RLIM_INFINITY }],
    memory: { limit: RLIM_INFINITY },
    text: "hard",
  };
  expect(specJson(spec)).toBe(
    '{"rlimits":[{"type":"RLIMIT_CORE","soft":5,"hard":18446744073709551615}],"memory":{"limit":9007199254740991},"text":"hard"}',
  );
  expect(specJson(JSON.parse(specJson(spec)))).toBe(specJson(spec));
});
