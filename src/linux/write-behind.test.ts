import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WriteBehind } from "./write-behind.ts";

test("a file that grows is what was written", () => {
  const root = mkdtempSync(join(tmpdir(), "hoy-behind-"));
  const file = openSync(join(root, "file"), "w");
  try {
    const behind = new WriteBehind(file);
    const bytes = randomBytes(12 * 1024 * 1024);
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(file, bytes, at, Math.min(1_000_000, bytes.length - at));
      behind.grown(at);
    }
    fsyncSync(file);
    expect(readFileSync(join(root, "file")).equals(bytes)).toBe(true);
  } finally {
    closeSync(file);
    rmSync(root, { recursive: true });
  }
});

test("what has no disk, and what is closed, is given up without a word", () => {
  const device = openSync("/dev/null", "w");
  const behind = new WriteBehind(device);
  expect(behind.grown(1)).toBe(true);
  expect(behind.grown(100_000_000)).toBe(false);
  closeSync(device);
  expect(new WriteBehind(-1).grown(100_000_000)).toBe(false);
});
