// What every RegistryStorage must do (storage.ts). Each implementation's test file calls this with a way to open a store
// and to open the same one again.

import { describe, expect, test } from "bun:test";
import { readManifest } from "./manifest.ts";
import { requireDigest } from "./names.ts";
import type { RegistryStorage } from "./storage.ts";
import { digestOf, imageOf } from "./testing.ts";

export interface StorageHarness extends AsyncDisposable {
  readonly storage: RegistryStorage;
  /** Closes it as a crash would, and opens it again. */
  reopen(): Promise<RegistryStorage>;
}

async function* stream(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function push(storage: RegistryStorage, repository: string, data: string): Promise<string> {
  const { id } = await storage.startUpload(repository);
  await storage.append(repository, id, stream(data), 0);
  await storage.finishUpload(repository, id, requireDigest(digestOf(data)));
  return digestOf(data);
}

async function read(storage: RegistryStorage, repository: string, digest: string): Promise<string> {
  const parts: Uint8Array[] = [];
  const range = { start: 0, end: (await storage.blob(repository, requireDigest(digest)))?.size ?? 0 };
  for await (const part of await storage.readBlob(repository, requireDigest(digest), range)) parts.push(part);
  return Buffer.concat(parts).toString();
}

const ALL = { limit: 100, after: "" };
const FUTURE = Number.MAX_SAFE_INTEGER;

export function storageConformance(name: string, open: (uploadsLimit: number) => Promise<StorageHarness>): void {
  describe(`${name} keeps the registry's contract`, () => {
    test("an upload is nowhere to be seen until it is whole", async () => {
      await using harness = await open(10);
      const { storage } = harness;
      const digest = requireDigest(digestOf("hello"));
      const { id } = await storage.startUpload("a");
      await storage.append("a", id, stream("hel", "lo"), 0);
      expect(await storage.blob("a", digest)).toBeUndefined();
      expect(await storage.repositories(ALL)).toEqual([]);
      await storage.finishUpload("a", id, digest);
      expect(await storage.blob("a", digest)).toEqual({ digest: digest.text, size: 5 });
      expect(await read(storage, "a", digest.text)).toBe("hello");
      await expect(storage.upload("a", id)).rejects.toMatchObject({ code: "BLOB_UPLOAD_UNKNOWN" });
    });

    test("an upload goes on after the process has ended", async () => {
      await using harness = await open(10);
      const { id } = await harness.storage.startUpload("a");
      await harness.storage.append("a", id, stream("hel"), 0);
      const storage = await harness.reopen();
      expect((await storage.upload("a", id)).size).toBe(3);
      await storage.append("a", id, stream("lo"), 3);
      await storage.finishUpload("a", id, requireDigest(digestOf("hello")));
      expect(await read(storage, "a", digestOf("hello"))).toBe("hello");
    });

    test("what came before a break is kept, and the next must fit", async () => {
      await using harness = await open(10);
      const { storage } = harness;
      const { id } = await storage.startUpload("a");
      async function* broken() {
        yield Buffer.from("hel");
        throw new Error("cut");
      }
      await expect(storage.append("a", id, broken(), 0)).rejects.toThrow("cut");
      expect((await storage.upload("a", id)).size).toBe(3);
      await expect(storage.append("a", id, stream("x"), 2)).rejects.toMatchObject({ status: 416 });
      await storage.append("a", id, stream("lo"), 3);
      await storage.finishUpload("a", id, requireDigest(digestOf("hello", "sha512")));
      expect(await read(storage, "a", digestOf("hello", "sha512"))).toBe("hello");
    });

    test("a wrong digest ends the upload and leaves nothing", async () => {
      await using harness = await open(1);
      const { storage } = harness;
      const { id } = await storage.startUpload("a");
      await storage.append("a", id, stream("hello"), undefined);
      const wrong = requireDigest(digestOf("other"));
      await expect(storage.finishUpload("a", id, wrong)).rejects.toMatchObject({ code: "DIGEST_INVALID" });
      expect(await storage.blob("a", wrong)).toBeUndefined();
      await expect(storage.upload("a", id)).rejects.toMatchObject({ status: 404 });
      await storage.startUpload("a"); // the one place there is, is free again
      await expect(storage.startUpload("a")).rejects.toMatchObject({ status: 429 });
    });

    test("one writer to an upload", async () => {
      await using harness = await open(10);
      const { storage } = harness;
      const { id } = await storage.startUpload("a");
      const gate = Promise.withResolvers<void>();
      async function* slow() {
        yield Buffer.from("hel");
        await gate.promise;
        yield Buffer.from("lo");
      }
      const first = storage.append("a", id, slow(), 0);
      await expect(storage.append("a", id, stream("x"), undefined)).rejects.toMatchObject({ status: 409 });
      gate.resolve();
      expect((await first).size).toBe(5);
    });

    test("two uploads of one blob at once both succeed", async () => {
      await using harness = await open(20);
      const { storage } = harness;
      await Promise.all(Array.from({ length: 8 }, (_, at) => push(storage, `r${at % 3}`, "same bytes")));
      for (const repository of ["r0", "r1", "r2"])
        expect(await read(storage, repository, digestOf("same bytes"))).toBe("same bytes");
    });

    test("a repository has only what it was given; the bytes live while one has them", async () => {
      await using harness = await open(10);
      const { storage } = harness;
      const digest = requireDigest(await push(storage, "a", "hello"));
      expect(await storage.blob("b", digest)).toBeUndefined();
      expect(await storage.mount("b", digest, "nobody")).toBe(false);
      expect(await storage.mount("b", digest, "a")).toBe(true);
      expect(await storage.deleteBlob("a", digest)).toBe(true);
      expect(await storage.deleteBlob("a", digest)).toBe(false);
      expect(await read(storage, "b", digest.text)).toBe("hello");
      await storage.deleteBlob("b", digest);
      expect(await storage.repositories(ALL)).toEqual([]);
      await expect(storage.readBlob("b", digest, { start: 0, end: 5 })).rejects.toMatchObject({ status: 404 });
    });

    test("a manifest needs what it names, and takes its tags with it", async () => {
      await using harness = await open(10);
      const { storage } = harness;
      const [config, layer] = [await push(storage, "a", "{}"), digestOf("layer")];
      const bytes = Buffer.from(JSON.stringify(imageOf(config, layer, 5)));
      const manifest = readManifest(bytes, "", "sha256");
      await expect(storage.putManifest("a", manifest, ["v1"])).rejects.toMatchObject({ detail: { digest: layer } });
      expect(await storage.manifest("a", "v1")).toBeUndefined();
      await push(storage, "a", "layer");
      await storage.putManifest("a", manifest, ["v1", "v2"]);
      expect((await storage.manifest("a", "v1"))?.digest).toBe(manifest.digest);
      expect(Buffer.from((await storage.manifest("a", manifest.digest))?.bytes ?? []).equals(bytes)).toBe(true);
      expect(await storage.deleteManifest("a", "v1")).toBe(true);
      expect(await storage.tags("a", ALL)).toEqual(["v2"]);
      expect(await storage.deleteManifest("a", manifest.digest)).toBe(true);
      expect(await storage.tags("a", ALL)).toEqual([]);
      expect(await storage.tags("b", ALL)).toBeUndefined();
    });

    test("collection frees what no manifest names, once it is old, and nothing else", async () => {
      await using harness = await open(10);
      const { storage } = harness;
      const [config, layer] = [await push(storage, "a", "{}"), await push(storage, "a", "layer")];
      const manifest = readManifest(Buffer.from(JSON.stringify(imageOf(config, layer, 5))), "", "sha256");
      await storage.putManifest("a", manifest, ["v1"]);
      await push(storage, "a", "loose");
      await storage.startUpload("b");
      expect(await storage.collect(0)).toEqual({ uploads: 0, unlinked: 0, blobs: 0, bytes: 0 });
      expect(await storage.collect(FUTURE)).toEqual({ uploads: 1, unlinked: 1, blobs: 1, bytes: 5 });
      expect(await read(storage, "a", layer)).toBe("layer");
      await storage.deleteManifest("a", manifest.digest);
      expect(await storage.collect(FUTURE)).toMatchObject({ blobs: 2, bytes: 7 });
      expect(await storage.repositories(ALL)).toEqual([]);
    });

    test("pushes and collections at once lose nothing that a push has returned for", async () => {
      await using harness = await open(100);
      const { storage } = harness;
      const work = Array.from({ length: 12 }, async (_, at) => {
        const digest = await push(storage, `r${at}`, "contended");
        await storage.deleteBlob(`r${at}`, requireDigest(digest));
        await push(storage, `r${at}`, "contended");
      });
      await Promise.all([...work, storage.collect(0), storage.collect(0)]);
      for (let at = 0; at < 12; at++) expect(await read(storage, `r${at}`, digestOf("contended"))).toBe("contended");
    });
  });
}
