// The store on S3, against an S3 server (which looks at who signs, not at the signature): the contract that files keep
// too, and what is S3's alone.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "s3rver";
import { BlobFiles } from "../blob-files.ts";
import { requireDigest } from "../names.ts";
import { storageConformance } from "../storage.conformance.ts";
import { Store } from "../store.ts";
import { digestOf, TestRegistry } from "../testing.ts";
import { BlobS3, type BlobS3Options } from "./blob-s3.ts";
import { element, elements, S3Client } from "./client.ts";

const directory = mkdtempSync(join(tmpdir(), "hoy-s3-"));
const configureBuckets = [{ name: "registry", configs: [] }];
const server = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory, configureBuckets });
let bucket = "";
beforeAll(async () => {
  bucket = `http://127.0.0.1:${(await server.run()).port}/registry`;
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

let prefixes = 0;
function options(more: Partial<BlobS3Options> = {}): BlobS3Options {
  const keys = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER", region: "us-east-1" };
  return { bucket, prefix: `t${prefixes++}/`, ...keys, redirect: false, ...more };
}

storageConformance("the store on S3", async (uploadsLimit) => {
  const root = mkdtempSync(join(tmpdir(), "hoy-registry-"));
  const blobs = new BlobS3(options());
  const open = () => Store.open({ root, blobLimit: 1024 * 1024, uploadsLimit, blobs });
  let storage = await open();
  return {
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
});

test("a large blob goes in parts and comes back whole and by range", async () => {
  const blobs = new BlobS3(options());
  const folder = mkdtempSync(join(tmpdir(), "hoy-s3-file-"));
  const path = join(folder, "blob");
  const data = randomBytes(16 * 1024 * 1024 * 2 + 12345);
  writeFileSync(path, data);
  const digest = requireDigest(digestOf(data));
  await blobs.put(digest, path);
  expect(readdirSync(folder)).toEqual([]); // taken over
  const read = async (start: number, end: number) => {
    const hash = createHash("sha256");
    for await (const chunk of await blobs.read(digest, { start, end })) hash.update(chunk);
    return hash.digest("hex");
  };
  expect(await read(0, data.length)).toBe(digest.hex);
  const [start, end] = [16 * 1024 * 1024 - 5, 16 * 1024 * 1024 + 7];
  expect(`sha256:${await read(start, end)}`).toBe(digestOf(data.subarray(start, end)));
  expect(await Array.fromAsync(blobs.list())).toEqual([digest.text]);
  await blobs.remove(digest);
  await blobs.remove(digest);
  await expect(blobs.read(digest, { start: 0, end: 1 })).rejects.toMatchObject({ code: "BLOB_UNKNOWN" });
  rmSync(folder, { recursive: true });
}, 60_000);

test("over HTTP: push and pull as from files, or by a redirect that opens one blob", async () => {
  await using plain = await TestRegistry.start({ blobs: new BlobS3(options()) });
  const { layer } = await plain.pushImage("a", "v1", "the layer");
  const direct = await plain.request("GET", `/v2/a/blobs/${layer}`, { headers: { Range: "bytes=4-8" } });
  expect([direct.status, await direct.text()]).toEqual([206, "layer"]);
  expect(readdirSync(join(plain.root, "uploads"))).toEqual([]);
  await using sent = await TestRegistry.start({ blobs: new BlobS3(options({ redirect: true })) });
  await sent.pushImage("a", "v1", "the layer");
  const answer = await sent.request("GET", `/v2/a/blobs/${layer}`);
  expect(answer.status).toBe(307);
  const location = answer.headers.get("location") ?? "";
  expect(location).toStartWith(bucket);
  expect(await (await fetch(location)).text()).toBe("the layer");
  expect(new URL(location).searchParams.get("X-Amz-Expires")).toBe("1200");
  const head = await sent.request("HEAD", `/v2/a/blobs/${layer}`);
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "9"]);
}, 30_000);

test("a registry's blobs are where they were: another store is refused", async () => {
  const root = mkdtempSync(join(tmpdir(), "hoy-registry-"));
  const limits = { root, blobLimit: 1, uploadsLimit: 1 };
  (await Store.open({ ...limits, blobs: new BlobS3(options()) })).close();
  await expect(Store.open(limits)).rejects.toThrow("are in s3 ");
  const files = mkdtempSync(join(tmpdir(), "hoy-registry-"));
  (await Store.open({ ...limits, root: files })).close();
  await expect(Store.open({ ...limits, root: files, blobs: new BlobS3(options()) })).rejects.toThrow("are in files");
  expect(new BlobFiles(join(files, "blobs")).place).toBe("files");
  for (const folder of [root, files]) rmSync(folder, { recursive: true });
});

test("a store that refuses leaves the upload, for another try", async () => {
  const right = options();
  const wrong = new BlobS3({ ...right, accessKeyId: "nobody" });
  const folder = mkdtempSync(join(tmpdir(), "hoy-s3-file-"));
  const path = join(folder, "blob");
  writeFileSync(path, "bytes");
  const digest = requireDigest(digestOf("bytes"));
  await expect(wrong.put(digest, path)).rejects.toThrow("the S3 store refused PUT");
  expect(readdirSync(folder)).toEqual(["blob"]);
  await new BlobS3(right).put(digest, path);
  rmSync(folder, { recursive: true });
});

test("its answers are read; a signature covers what is sent", async () => {
  const xml = "<L><IsTruncated>true</IsTruncated><C><Key>a&amp;b</Key></C><C><Key>c&#47;d</Key></C></L>";
  expect(elements(xml, "Key")).toEqual(["a&b", "c/d"]);
  expect([element(xml, "IsTruncated"), element(xml, "None")]).toEqual(["true", undefined]);
  const client = new S3Client(options());
  expect(await client.presigned("x", 60)).toContain("X-Amz-Signature=");
  const missing = await client.send({ method: "GET", key: "none" }, [404]);
  expect(missing.status).toBe(404);
});
