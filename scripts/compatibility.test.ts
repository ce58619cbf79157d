// Reports of suites, and which tests call a route.

import { expect, test } from "bun:test";
import { benchLines, calls, readChecks, readMocha, readPytest, runs } from "./compatibility.ts";

test("pytest's report is counted, failures by name", () => {
  const xml =
    '<testsuite><testcase classname="tests.integration.a.T" name="one"/>' +
    '<testcase classname="tests.integration.a.T" name="two"><failure>no</failure></testcase>' +
    '<testcase classname="tests.integration.a.T" name="three"><skipped/></testcase></testsuite>';
  expect(readPytest("s", xml)).toEqual({ name: "s", passed: 1, skipped: 1, failed: ["a.T: two"] });
});

test("mocha's report is counted, failures by name", () => {
  const json = JSON.stringify({ stats: { passes: 2, pending: 1 }, failures: [{ fullTitle: "#a b" }] });
  expect(readMocha("s", json)).toEqual({ name: "s", passed: 2, skipped: 1, failed: ["#a b"] });
});

test("our runners' lines are counted; Docker Bench's are compared", () => {
  const text = "client 20\npass  run\npass  ps\nFAIL  build\nwhat it said\n2 passed, 1 failed\n";
  expect(readChecks("s", text)).toEqual({ name: "s", passed: 2, skipped: 0, failed: ["build"] });
  const bench = benchLines(
    "5.30 PASS\n12 passed, 20 warned, 12 noted\n1 differ\n42c42\n< 5.30 INFO\n---\n> 5.30 PASS\n",
  );
  expect(bench[0]).toEndWith("12 passed, 20 warned, 12 noted");
  expect(bench.slice(-3)).toEqual(["- `< 5.30 INFO`", "- `> 5.30 PASS`", ""]);
});

test("a route is called by its method and whole path", () => {
  const path = "/containers/{id}/json";
  const call = (text: string) => calls(text, "GET", path);
  expect(call(`api("GET", \`/containers/\${id}/json\`)`)).toBe(true);
  expect(call('api("GET", "/containers/abc/json?size=1")')).toBe(true);
  expect(call('api("POST", "/containers/abc/json")')).toBe(false);
  expect(call('api("GET", "/containers/json")')).toBe(false);
  expect(call('api("GET", "/containers/abc/json/more")')).toBe(false);
});

test("a command is run by one of its names, word by word", () => {
  const paths = ["container ls", "ps"];
  expect(runs('await client("ps", "-a")', paths)).toBe(true);
  expect(runs('hoy.hoy("container", "ls")', paths)).toBe(true);
  expect(runs('hoy.hoy("container", "rm")', paths)).toBe(false);
});
