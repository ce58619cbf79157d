import { describe, expect, test } from "bun:test";
import { historyFilter } from "./history-filter.ts";
import { timestamp } from "./time.ts";

const ago = (seconds: number) => timestamp(new Date(Date.now() - seconds * 1000).toISOString());
const records = [
  { ref: "running", createdAt: ago(60) },
  {
    ref: "good",
    createdAt: ago(7200),
    completedAt: ago(7100),
    frontendAttrs: { context: "https://example.com/r.git#main" },
  },
  { ref: "failed", createdAt: ago(600), completedAt: ago(500), error: { code: 2, message: "exit code: 1" } },
  { ref: "cancelled", createdAt: ago(300), completedAt: ago(299), error: { code: 1, message: "context canceled: x" } },
];
const chosen = (...filters: string[]) => records.filter(historyFilter(filters)).map(({ ref }) => ref);

describe("filters of the build history", () => {
  test.each([
    [["status==error"], ["failed"]],
    [["status=completed"], ["good"]],
    [["status==canceled"], ["cancelled"]],
    [["status!=completed"], ["running", "failed", "cancelled"]],
    [["ref~=oo"], ["good"]],
    [['ref=="failed"'], ["failed"]],
    [["repository~=example.com"], ["good"]],
    [["startedAt>1h"], ["running", "failed", "cancelled"]],
    [["startedAt<=1h30m"], ["good"]],
    [
      [`completedAt<${new Date(Date.now() - 3_600_000).toISOString()}`, "ref=running"],
      ["running", "good"],
    ],
    [["duration>=90s"], ["good", "failed"]],
    [["duration>=90s,status==error"], ["failed"]],
    [["ref~=.*"], []],
    [[], ["running", "good", "failed", "cancelled"]],
  ])("%j", (filters, wanted) => {
    expect(chosen(...filters)).toEqual(wanted);
  });

  test.each([
    "name=x",
    "constructor=x",
    "status",
    "status>error",
    "startedAt>soon",
    "duration=1s",
    "=",
    "x".repeat(2000),
  ])("%j is refused", (filter) => expect(() => historyFilter([filter])).toThrow(/filter|compared/));
});
