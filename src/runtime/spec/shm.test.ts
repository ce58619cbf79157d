import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idMapAt } from "../userns/allocate.ts";
import { makeSharedMemory, releaseSharedMemory, sharedMemoryPath } from "./shm.ts";

const isRoot = process.getuid?.() === 0;
const bundle = mkdtempSync(join(tmpdir(), "hoy-shm-"));
afterAll(() => {
  if (isRoot) releaseSharedMemory(bundle);
  rmSync(bundle, { recursive: true, force: true });
});

test.skipIf(!isRoot)(
  "shared memory is a tmpfs of its size, of the container's root, and goes again (needs root)",
  () => {
    const path = sharedMemoryPath(bundle);
    makeSharedMemory(bundle, 1_048_576, idMapAt(300_000));
    writeFileSync(join(path, "old"), "");
    makeSharedMemory(bundle, 1_048_576, idMapAt(300_000));
    const { bsize, blocks } = statfsSync(path);
    expect(bsize * blocks).toBe(1_048_576);
    expect(statSync(path)).toMatchObject({ uid: 300_000, gid: 300_000, mode: 0o41777 });
    expect(() => readFileSync(join(path, "old"))).toThrow("ENOENT");
    releaseSharedMemory(bundle);
    releaseSharedMemory(bundle);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(bundle);
    releaseSharedMemory(join(bundle, "nowhere"));
  },
);
