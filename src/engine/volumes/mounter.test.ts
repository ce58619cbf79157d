// Mounts in a process of their own: as mount(2) itself, in time, and bounded where a server is silent.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { silentFs, silentFsMissing } from "../../../test/harness/silent-fs.ts";
import { SystemError } from "../../linux/libc.ts";
import { MS } from "../../linux/mount.ts";
import { mountTypeAt } from "../../linux/mount-table.ts";
import { Mounter } from "./mounter.ts";

const SHIM = process.env.HOY_SHIM ?? resolve(import.meta.dir, "../../../dist/hoy-shim");
const root = mkdtempSync(join(tmpdir(), "hoy-mounter-"));
const target = join(root, "target");
mkdirSync(target);
afterAll(() => rmSync(root, { recursive: true }));

describe("a mount in a process of its own", () => {
  test("is there for everybody, with its options, and goes again", async () => {
    const mounter = new Mounter(SHIM);
    await mounter.mount({ source: "x", target, type: "tmpfs", flags: MS.NOEXEC, data: "size=1m" });
    expect(mountTypeAt(target)).toBe("tmpfs");
    await mounter.unmount(target);
    expect(mountTypeAt(target)).toBeUndefined();
    await mounter.unmount(target); // of nothing: nothing
  });

  test("the kernel's errors are its own, as if it had been called here", async () => {
    const mounter = new Mounter(SHIM);
    const failed = (type: string, at: string) =>
      mounter.mount({ source: "x", target: at, type }).catch((error: unknown) => error);
    expect(await failed("nonesuch", target)).toMatchObject({ code: "ENODEV", syscall: "mount" });
    const error = await failed("tmpfs", join(root, "nonesuch"));
    expect(error).toBeInstanceOf(SystemError);
    expect(String(error)).toContain(`mount '${join(root, "nonesuch")}': ENOENT`);
    expect(await failed("tmp\0fs", target)).toMatchObject({ code: "EINVAL" });
  });

  const name = "one that waits holds nobody up; of a silent server it is given up, and nothing of it is left";
  const body = async () => {
    const mounter = new Mounter(SHIM, 500);
    const silent = silentFs(join(root, "silent"));
    try {
      const source = join(root, "silent/disk");
      // The type says that a server is asked; of a bind the kernel looks at nothing but the source.
      const waits = mounter.mount({ source, target, type: "nfs4", flags: MS.BIND });
      const disk = mounter.mount({ source, target, type: "none", flags: MS.BIND }).catch((error: unknown) => error);
      await expect(waits).rejects.toThrow("connection timed out: the server did not answer mount(2) within 0.5 s");
      expect(mountTypeAt(target)).toBeUndefined();
      expect(await Promise.race([disk, Bun.sleep(100)])).toBeUndefined();
      silent.close();
      expect(await disk).toMatchObject({ syscall: "mount" });
    } finally {
      if (mountTypeAt(join(root, "silent")) !== undefined) silent.close();
    }
  };
  if (silentFsMissing === undefined) test(name, body);
  else test.skip(`${name} (skipped: ${silentFsMissing})`, body);

  test("a program that is none is an error that says so", async () => {
    await expect(new Mounter("/bin/false").mount({ source: "x", target, type: "tmpfs" })).rejects.toThrow(
      "mount(2) could not be asked for",
    );
  });
});
