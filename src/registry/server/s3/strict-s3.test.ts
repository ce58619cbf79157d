// The store on S3 against a server that checks every signature and lists in short pages.

import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireDigest } from "../names.ts";
import { digestOf } from "../testing.ts";
import { BlobS3 } from "./blob-s3.ts";
import { S3Client } from "./client.ts";
import { StrictS3 } from "./strict-s3.ts";

async function put(blobs: BlobS3, text: string): Promise<ReturnType<typeof requireDigest>> {
  const folder = mkdtempSync(join(tmpdir(), "hoy-s3-file-"));
  try {
    const path = join(folder, "blob");
    writeFileSync(path, text);
    const digest = requireDigest(digestOf(text));
    await blobs.put(digest, path);
    return digest;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("what is signed is accepted; another secret, region or body is not", async () => {
  await using s3 = await StrictS3.start();
  const options = { bucket: s3.bucket, prefix: "a b/+&ü/", redirect: false, ...s3.credentials };
  await put(new BlobS3(options), "bytes");
  expect([...s3.objects.keys()]).toEqual([`a b/+&ü/blobs/sha256/${requireDigest(digestOf("bytes")).hex}`]);
  await expect(put(new BlobS3({ ...options, secretAccessKey: "other" }), "x")).rejects.toThrow("SignatureDoesNotMatch");
  await expect(put(new BlobS3({ ...options, accessKeyId: "other" }), "x")).rejects.toThrow("InvalidAccessKeyId");
  await expect(put(new BlobS3({ ...options, region: "us-east-1" }), "x")).rejects.toThrow("Malformed");
  const body = new TextEncoder().encode("not these");
  const lie = new S3Client(options).send({ method: "PUT", key: "x", body, sha256: "0".repeat(64) });
  await expect(lie).rejects.toThrow("XAmzContentSHA256Mismatch");
  expect(s3.objects.size).toBe(1);
});

test("an address that was signed opens what it was signed for, and nothing else", async () => {
  await using s3 = await StrictS3.start();
  const blobs = new BlobS3({ bucket: s3.bucket, prefix: "", redirect: true, ...s3.credentials });
  const [one, two] = [await put(blobs, "one"), await put(blobs, "two")];
  const url = (await blobs.url(one)) ?? "";
  expect(await (await fetch(url)).text()).toBe("one");
  for (const wrong of [url.replace(one.hex, two.hex), url.replace("Expires=1200", "Expires=9999999")])
    expect((await fetch(wrong)).status).toBe(403);
  expect((await fetch(url, { method: "DELETE" })).status).toBe(403);
});

test("lists of many pages are read to their end", async () => {
  await using s3 = await StrictS3.start();
  const blobs = new BlobS3({ bucket: s3.bucket, prefix: "p/", redirect: false, ...s3.credentials });
  s3.objects.set("p/other", Buffer.from("not a blob"));
  const digests: string[] = [];
  for (let count = 0; count < 5; count++) digests.push((await put(blobs, randomBytes(8).toString("hex"))).text);
  s3.asked.length = 0;
  expect((await Array.fromAsync(blobs.list())).toSorted()).toEqual(digests.toSorted());
  expect(s3.asked).toEqual(["GET list", "GET list", "GET list"]);
});

test("all uploads that a crash left are aborted, those of others are not", async () => {
  await using s3 = await StrictS3.start();
  const blobs = new BlobS3({ bucket: s3.bucket, prefix: "p/", redirect: false, ...s3.credentials });
  for (const id of ["1", "2", "3", "4", "5"]) s3.uploads.set(id, `p/blobs/sha256/${id.repeat(64)}`);
  await blobs.prepare();
  expect(s3.uploads.size).toBe(0);
});
