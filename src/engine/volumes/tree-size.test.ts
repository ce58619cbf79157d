import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { treeSize } from "./tree-size.ts";

test("each file once, links not followed; no such directory", async () => {
  const root = mkdtempSync(join(tmpdir(), "hoy-size-"));
  try {
    mkdirSync(join(root, "a/b"), { recursive: true });
    writeFileSync(join(root, "a/b/one"), "12345");
    linkSync(join(root, "a/b/one"), join(root, "again"));
    symlinkSync("/", join(root, "out"));
    symlinkSync("a", join(root, "in"));
    expect(await treeSize(root)).toBe(5);
    expect(await treeSize(join(root, "none"))).toBe(0);
    expect(await treeSize(join(root, "in"))).toBe(0);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("a tree too deep for a path is counted as far as one leads", async () => {
  const root = mkdtempSync(join(tmpdir(), "hoy-size-"));
  try {
    const deeper = `import os; os.chdir(${JSON.stringify(root)})
for i in range(30):
  open("file", "w").write("x"); os.mkdir("d" * 200); os.chdir("d" * 200)`;
    expect(spawnSync("python3", ["-c", deeper]).status).toBe(0);
    const size = await treeSize(root);
    expect(size).toBeGreaterThan(10);
    expect(size).toBeLessThan(30);
  } finally {
    rmSync(root, { recursive: true });
  }
});
