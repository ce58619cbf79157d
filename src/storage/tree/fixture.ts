// For tests of containers' trees: a container of a small image, changed through a real overlay as containers do.

import { afterEach, beforeEach, expect } from "bun:test";
import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ErofsDriver } from "../drivers/erofs.ts";
import { type ArchiveFile, archive, Scratch, streamOf } from "../drivers/fixture.ts";
import type { TarEntry } from "../tar/entry.ts";
import { readTar } from "../tar/reader.ts";
import { openContainerTree } from "./container-tree.ts";

/** A new scratch directory for each test of a file; none may leave a mount in it, but of images. */
export function useScratch(): Pick<Scratch, "path" | "paths" | "mounts"> {
  let current: Scratch | undefined;
  const now = () => current ?? expect.unreachable("a scratch directory outside of a test");
  beforeEach(() => {
    current = new Scratch();
  });
  afterEach(async () => {
    const mounts = now()
      .mounts()
      .filter((target) => !target.startsWith(now().paths.run));
    await now()[Symbol.asyncDispose]();
    expect(mounts).toEqual([]);
  });
  return {
    get path() {
      return now().path;
    },
    get paths() {
      return now().paths;
    },
    mounts: () => now().mounts(),
  };
}

const IMAGE: readonly ArchiveFile[] = [
  { name: "etc/", mtime: 1_600_000_000_500_000_000n },
  { name: "etc/passwd", data: "root" },
  { name: "etc/group", data: "root" },
  { name: "lib/" },
  { name: "lib/a/" },
  { name: "lib/a/one", data: "1" },
  { name: "lib/a/two", data: "2" },
  { name: "tmp/", mode: 0o1777 },
  { name: "bin", type: "symlink", linkname: "lib/a" },
  { name: "abs", type: "symlink", linkname: "/etc" },
];

/** A container of an image, its root changed by `change` through a real overlay. */
export async function container(
  scratch: Pick<Scratch, "path" | "paths">,
  change: (root: string) => void,
  image: readonly ArchiveFile[] = IMAGE,
) {
  const driver = await ErofsDriver.open(scratch.paths);
  const { diffId } = await driver.addLayer(streamOf(archive(...image)));
  const lowers = await driver.mountChain([diffId]);
  const upper = join(scratch.path, "upper");
  const work = join(scratch.path, "work");
  mkdirSync(upper);
  mkdirSync(work);
  {
    using tree = openContainerTree({ lowers, upper, work });
    change(`/proc/self/fd/${tree.fd}`);
  }
  return { driver, diffId, lowers, upper, work };
}

/** Changes of every kind. */
export function sample(root: string): void {
  writeFileSync(`${root}/etc/passwd`, "changed");
  writeFileSync(`${root}/new`, "n");
  rmSync(`${root}/etc/group`);
  rmSync(`${root}/lib/a`, { recursive: true });
  mkdirSync(`${root}/lib/a`);
  writeFileSync(`${root}/lib/a/two`, "again");
  mkdirSync(`${root}/tmp/d`);
  linkSync(`${root}/new`, `${root}/tmp/d/hard`);
}

export async function entriesOf(tar: Uint8Array): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const { entry } of readTar(streamOf(tar))) entries.push(entry);
  return entries;
}
