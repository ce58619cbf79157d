import { expect, test } from "bun:test";
import { nearest } from "./nearest.ts";

const KEYS = ["debug", "data-root", "dns", "hosts", "log-level", "log-opts"];

test("the nearest known word", () => {
  expect(nearest("dbug", KEYS)).toBe("debug");
  expect(nearest("data_root", KEYS)).toBe("data-root");
  expect(nearest("log-levels", KEYS)).toBe("log-level");
  expect(nearest("dnss", KEYS)).toBe("dns");
});

test("nothing is nearer than a third", () => {
  expect(nearest("swarm-everything", KEYS)).toBeUndefined();
  expect(nearest("x", KEYS)).toBeUndefined();
  expect(nearest("", KEYS)).toBeUndefined();
});
