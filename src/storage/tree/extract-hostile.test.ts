// Unpacking strangers' archives while somebody inside works against it: whatever they do, nothing outside of the root is
// touched; needs root.

import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { HoyError } from "../../base/error.ts";
import { SystemError } from "../../linux/libc.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { type ArchiveFile, archive, collect, describeDirectory, streamOf } from "../drivers/fixture.ts";
import { extractTar } from "./extract.ts";
import { useScratch } from "./fixture.ts";
import { removeTree } from "./remove.ts";
import { treeTar } from "./tree-tar.ts";

const scratch = useScratch();

function outsideAndRoot() {
  const outside = join(scratch.path, "outside");
  const root = join(scratch.path, "root");
  mkdirSync(join(outside, "d"), { recursive: true });
  writeFileSync(join(outside, "secret"), "from outside", { mode: 0o600 });
  mkdirSync(root);
  return { outside, root, before: describeDirectory(outside) };
}

test("law: any archive ends well or with an error of ours, and outside nothing changes", async () => {
  const { outside, root, before } = outsideAndRoot();
  const path = fc
    .array(fc.constantFrom("a", "b", "c", "..", ".", "", "out", ".wh.a"), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join("/"));
  const target = fc.oneof(path, fc.constantFrom(outside, `${outside}/secret`, "/", "../../outside", "/proc/self/root"));
  const entry: fc.Arbitrary<ArchiveFile> = fc.oneof(
    fc.record({ name: path, data: fc.constantFrom("", "data"), mode: fc.constantFrom(0o4777, 0o600) }),
    fc.record({ name: path, type: fc.constant("dir" as const), uid: fc.constantFrom(0, 5) }),
    fc.record({ name: path, type: fc.constant("symlink" as const), linkname: target }),
    fc.record({ name: path, type: fc.constant("hardlink" as const), linkname: target }),
    fc.record({ name: path, type: fc.constant("fifo" as const), mode: fc.constant(0o777) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (files) => {
      mkdirSync(join(root, "in"), { recursive: true });
      {
        using fd = new OwnedFd(openSync(root, O.RDONLY));
        const error = await extractTar(fd.fd, "/in", streamOf(archive(...files))).catch((thrown: unknown) => thrown);
        if (error !== undefined) expect(error instanceof HoyError || error instanceof SystemError).toBe(true);
        await collect(treeTar(fd.fd, "/", { as: "" }));
      }
      expect(describeDirectory(outside)).toEqual(before);
      await removeTree(join(root, "in"));
    }),
    { numRuns: 300 },
  );
}, 60_000);

test("a directory that turns into a link out and back, again and again, leads nowhere", async () => {
  const { outside, root, before } = outsideAndRoot();
  mkdirSync(join(root, "d"));
  mkdirSync(join(root, "d/d"));
  symlinkSync(outside, join(root, "trap"));
  const script = `
    import { renameSync } from "node:fs";
    process.chdir(${JSON.stringify(root)});
    process.stdout.write("ready");
    for (;;) { renameSync("d", "x"); renameSync("trap", "d"); renameSync("d", "trap"); renameSync("x", "d"); }`;
  const attacker = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "ignore" });
  try {
    await attacker.stdout.getReader().read();
    using fd = new OwnedFd(openSync(root, O.RDONLY));
    const files: ArchiveFile[] = [
      { name: "d/f", data: "x", mode: 0o4755 },
      { name: "d/secret", data: "overwritten" },
      { name: "d/d/", mode: 0o777, uid: 5 },
      { name: "d/fifo", type: "fifo", mode: 0o777 },
    ];
    for (let round = 0; round < 400; round++) {
      const error = await extractTar(fd.fd, "/", streamOf(archive(...files))).catch((thrown: unknown) => thrown);
      if (error !== undefined) expect(error instanceof HoyError || error instanceof SystemError).toBe(true);
      const copied = await collect(treeTar(fd.fd, "/d", { as: "d", follow: true })).catch(() => Buffer.alloc(0));
      expect(copied.includes("from outside")).toBe(false);
    }
  } finally {
    attacker.kill("SIGKILL");
    await attacker.exited;
  }
  expect(describeDirectory(outside)).toEqual(before);
  expect(statSync(join(outside, "secret")).mode & 0o7777).toBe(0o600);
}, 60_000);

test("links of the magic kind are not followed", async () => {
  const { root } = outsideAndRoot();
  mkdirSync(join(root, "proc"));
  execFileSync("mount", ["-t", "proc", "proc", join(root, "proc")]);
  try {
    using fd = new OwnedFd(openSync(root, O.RDONLY));
    const bytes = archive({ name: "made-through-proc", data: "x" });
    await expect(extractTar(fd.fd, "/proc/self/root/tmp", streamOf(bytes))).rejects.toBeInstanceOf(SystemError);
    await expect(extractTar(fd.fd, `/proc/${process.pid}/cwd`, streamOf(bytes))).rejects.toBeInstanceOf(SystemError);
    expect(existsSync("/tmp/made-through-proc")).toBe(false);
    expect(existsSync("made-through-proc")).toBe(false);
  } finally {
    execFileSync("umount", ["-l", join(root, "proc")]);
  }
});
