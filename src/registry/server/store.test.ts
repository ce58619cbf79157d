// The store on files: the contract, and what is its alone: the lock, and repair after a crash.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storageConformance } from "./storage.conformance.ts";
import { Store } from "./store.ts";

async function harness(uploadsLimit: number) {
  const root = mkdtempSync(join(tmpdir(), "hoy-registry-"));
  const open = () => Store.open({ root, blobLimit: 1024 * 1024, uploadsLimit });
  let storage = await open();
  return {
    root,
    storage,
    async reopen() {
      storage.close();
      storage = await open();
      return storage;
    },
    async [Symbol.asyncDispose]() {
      storage.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

storageConformance("the store on files", harness);

test("a folder is used by one process at a time", async () => {
  await using first = await harness(1);
  await expect(Store.open({ root: first.root, blobLimit: 1, uploadsLimit: 1 })).rejects.toThrow("another process");
});

test("files that a crash left without a row are swept at start", async () => {
  await using harnessed = await harness(1);
  writeFileSync(join(harnessed.root, "blobs/sha256", "0".repeat(64)), "left");
  writeFileSync(join(harnessed.root, "uploads", "f".repeat(64)), "left");
  await harnessed.reopen();
  expect(readdirSync(join(harnessed.root, "blobs/sha256"))).toEqual([]);
  expect(readdirSync(join(harnessed.root, "uploads"))).toEqual([]);
});

test("a blob past the limit is refused, and the upload with it", async () => {
  await using harnessed = await harness(1);
  const { storage } = harnessed;
  const { id } = await storage.startUpload("a");
  async function* endless() {
    for (;;) yield new Uint8Array(64 * 1024);
  }
  await expect(storage.append("a", id, endless(), 0)).rejects.toMatchObject({ status: 413, code: "SIZE_INVALID" });
  await expect(storage.upload("a", id)).rejects.toMatchObject({ status: 404 });
  expect(readdirSync(join(harnessed.root, "uploads"))).toEqual([]);
});
