// Reports of suites, and which tests call a route.

import { expect, test } from "bun:test";
import { calls, readMocha, readPytest, runs } from "./compatibility.ts";

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
