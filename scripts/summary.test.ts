import { expect, test } from "bun:test";
import { readReport, readStatus, readStep, reasons, summary } from "./summary.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="3">
  <testsuite name="a.test.ts" file="a.test.ts">
    <testcase name="can&apos;t &lt;b&gt;" classname="" time="0.1" file="a.test.ts" line="1" assertions="1" />
    <testcase name="fails" classname="" time="0.1" file="a.test.ts" line="2" assertions="1">
      <failure type="AssertionError" />
    </testcase>
    <testcase name="skipped: no docker client" classname="" time="0" file="a.test.ts" line="3" assertions="0">
      <skipped />
    </testcase>
  </testsuite>
</testsuites>`;

test("bun's report", () => {
  const results = readReport(REPORT, "unit");
  expect(results).toEqual([
    { name: "a.test.ts: can't <b>", outcome: "passed" },
    { name: "a.test.ts: fails", outcome: "failed" },
    { name: "a.test.ts: skipped: no docker client", outcome: "skipped" },
  ]);
  expect(summary(results)).toBe("1 passed, 1 failed, 1 skipped");
});

test("a run that ends badly without a failed test is a failure", () => {
  const failed = readReport(REPORT, "unit");
  expect(readStatus("0", "unit", [])).toEqual([]);
  expect(readStatus("1", "unit", failed)).toEqual([]);
  expect(readStatus("1", "unit", []).map((each) => each.outcome)).toEqual(["failed"]);
  expect(readStatus("124", "unit", failed).map((each) => each.outcome)).toEqual(["failed"]);
});

test("a step passed, failed, or was skipped for a reason", () => {
  expect(readStep("pass\n", "lint")).toEqual({ name: "lint", outcome: "passed" });
  expect(readStep("", "lint").outcome).toBe("failed");
  expect(readStep("skip it takes long\n", "vm")).toEqual({ name: "vm (skipped: it takes long)", outcome: "skipped" });
});

test("why a test failed: what stands before it, up to the test before", () => {
  const log = ["a.test.ts:", "(fail) one [1ms]", "error: expected 1", "  at a.test.ts:3", "(fail) two [1ms]", "3 pass"];
  expect(reasons(log.join("\n"))).toEqual([
    "a.test.ts:\n(fail) one [1ms]",
    "error: expected 1\n  at a.test.ts:3\n(fail) two [1ms]",
  ]);
  expect(reasons("3 pass\n0 fail\n")).toEqual([]);
});
