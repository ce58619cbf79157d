// The shim's own unit tests (shim/test, C): job, frames and log under AddressSanitizer, UBSan and valgrind.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

const shim = resolve(import.meta.dir, "../../../shim");

test("C unit tests under the sanitizers and valgrind", () => {
  const made = spawnSync("make", ["-s", "-C", shim, "test"], { encoding: "utf8" });
  expect({ status: made.status, stderr: made.stderr }).toEqual({ status: 0, stderr: "" });
  const runs = ["job", "frame", "log"].flatMap((name) => [`${name}: sanitizers`, `${name}: valgrind`]);
  expect(made.stdout.trim().split("\n")).toEqual(runs);
}, 120_000);
