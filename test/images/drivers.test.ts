// The image verbs on the real drivers, without a daemon: what is imported, loaded and saved can be mounted and read,
// survives from one driver to the other under the same id, and leaves nothing behind when it is removed.

import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { paths } from "../../src/base/paths.ts";
import { Images } from "../../src/engine/images/backend.ts";
import { ImageShelf } from "../../src/engine/images/shelf.ts";
import { openDatabase } from "../../src/state/database.ts";
import { ImageTable } from "../../src/state/images.ts";
import { migrations } from "../../src/state/migrations.ts";
import { type DriverName, openSnapshotDriver, probeDriver } from "../../src/storage/drivers/open.ts";
import { FileContentStore } from "../../src/storage/file-content.ts";
import { baseTar } from "../harness/images.ts";

const NEVER = new AbortController().signal;
const asRoot = process.getuid?.() === 0;
const erofs = asRoot && (await probeDriver(tmpdir())).driver === "erofs";
const drivers: readonly DriverName[] = erofs ? ["erofs", "overlay"] : ["overlay"];

const roots: string[] = [];
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true });
});

async function house(name: DriverName, given?: string) {
  const root = given ?? (await mkdtemp(join(tmpdir(), "hoy-test-images-")));
  roots.push(root);
  const where = { data: join(root, "data"), run: join(root, "run") };
  await mkdir(where.data, { recursive: true });
  const driver = await openSnapshotDriver({ paths: where, prefer: name });
  const content = await FileContentStore.open(paths.blobs(where), paths.temporary(where));
  const table = new ImageTable(openDatabase(paths.database(where), migrations));
  const shelf = await ImageShelf.open({ table, content, driver, temporary: paths.temporary(where) });
  const sources = {
    find: async () => {
      throw new Error("no containers here");
    },
    users: () => [],
  };
  return { where, shelf, images: new Images({ shelf, sources, emit: () => undefined }, noRegistry) };
}

function noRegistry(): never {
  throw new Error("no registry here");
}

async function* once(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function drain(messages: AsyncIterable<{ stream?: string; status?: string }>): Promise<string> {
  let text = "";
  for await (const message of messages) text += message.stream ?? "";
  return text;
}

const importOptions = (repo: string) => ({
  source: "-",
  repo,
  tag: undefined,
  message: "",
  changes: ['CMD ["sh"]'],
  platform: undefined,
});

function leftOf(where: { data: string; run: string }): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(where.run));
  const files = [paths.blobs(where), paths.layers(where), paths.images(where), paths.temporary(where)].flatMap((path) =>
    readdirSync(path),
  );
  return [...mounts, ...files];
}

describe.skipIf(!asRoot)("images on real drivers (needs root)", () => {
  for (const name of drivers) {
    test(`${name}: import, mount, save, load, remove`, async () => {
      const first = await house(name);
      await drain(await first.images.import(importOptions("busybox"), once(await baseTar()), NEVER));
      const image = await first.shelf.resolve("busybox");
      const [lower = ""] = await first.shelf.lowers(image.id);
      expect(statSync(join(lower, "bin/busybox")).size).toBeGreaterThan(100_000);
      expect(statSync(join(lower, "bin/busybox")).uid).toBe(0);
      for (const other of drivers) {
        const second = await house(other);
        const archive = await first.images.save(["busybox"], { platform: undefined }, NEVER);
        expect(await drain(await second.images.load(archive, { quiet: true, platform: undefined }, NEVER))).toBe(
          "Loaded image: busybox:latest\n",
        );
        const copy = await second.shelf.resolve("busybox");
        expect(copy.id).toBe(image.id);
        const [mounted = ""] = await second.shelf.lowers(copy.id);
        const busybox = (root: string) => readFileSync(join(root, "bin/busybox"));
        expect(busybox(mounted).equals(busybox(lower))).toBe(true);
        await second.images.remove("busybox", { force: false, prune: true });
        expect(leftOf(second.where)).toEqual([]);
      }
      await first.images.remove("busybox", { force: false, prune: true });
      expect(leftOf(first.where)).toEqual([]);
    });
  }

  for (const name of drivers) {
    test(`${name}: a full disk is an error, and nothing stays`, async () => {
      const root = await mkdtemp(join(tmpdir(), "hoy-test-full-"));
      roots.push(root);
      expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", root]).exitCode).toBe(0);
      try {
        const { where, images } = await house(name, root);
        const archive = images.import(importOptions("busybox"), once(await baseTar()), NEVER).then(drain);
        await expect(archive).rejects.toThrow("no space left on device");
        expect(leftOf(where)).toEqual([]);
        expect(
          await images.list({ all: true, digests: false, sharedSize: false, manifests: false, filters: new Map() }),
        ).toEqual([]);
      } finally {
        Bun.spawnSync(["umount", "-l", root]);
      }
    });
  }

  const debian = process.env.HOY_TEST_DEBIAN_TAR ?? join(tmpdir(), "hoy-test-cache/debian.tar");
  test.skipIf(!existsSync(debian))(
    "a Debian of debootstrap loads as fast as it can be read (needs its tar, see test/harness)",
    async () => {
      const { shelf, images, where } = await house(drivers[0] ?? "overlay");
      await drain(await images.import(importOptions("debian"), createReadStream(debian), NEVER));
      const archive: Uint8Array[] = [];
      for await (const chunk of await images.save(["debian"], { platform: undefined }, NEVER)) archive.push(chunk);
      const id = (await shelf.resolve("debian")).id;
      await images.remove("debian", { force: false, prune: true });
      expect(leftOf(where)).toEqual([]);
      await drain(await images.load(stream(archive), { quiet: true, platform: undefined }, NEVER));
      expect((await shelf.resolve("debian")).id).toBe(id);
      const [lower = ""] = await shelf.lowers(id);
      expect(readFileSync(join(lower, "etc/os-release"), "utf8")).toContain("Debian");
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(debian)) hash.update(chunk);
      expect((await shelf.resolve("debian")).diffIds).toEqual([`sha256:${hash.digest("hex")}`]);
      await images.remove("debian", { force: false, prune: true });
      expect(leftOf(where)).toEqual([]);
    },
    60_000,
  );
});

async function* stream(chunks: readonly Uint8Array[]) {
  yield* chunks;
}
