// The program is run by root in directories that are not root's: nothing that lies there may steer it. The runtime that
// it is compiled with would read .env and bunfig.toml (whose `preload` is code) if the build did not say otherwise.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { command } from "../harness/command.ts";

const HOY = resolve(import.meta.dir, "../../dist/hoy");

test("files in the current directory neither run code nor set variables", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "hoy-cwd-"));
  try {
    writeFileSync(join(cwd, ".env"), "DOCKER_HOST=unix:///planted.sock\n");
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./planted.js"]\n');
    writeFileSync(join(cwd, "planted.js"), 'console.log("planted code ran");\n');
    writeFileSync(join(cwd, "package.json"), '{"type":"commonjs"}\n');
    writeFileSync(join(cwd, "tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./planted.js"]}}}\n');
    const { stdout, stderr } = await command([HOY, "ps"], {
      cwd,
      env: { DOCKER_HOST: "", DOCKER_CONTEXT: "", HOME: cwd },
    });
    expect(stdout + stderr).not.toContain("planted");
    expect(stdout + stderr).not.toBe("");
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});
