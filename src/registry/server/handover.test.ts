// Blobs handed over by an engine on the same host: the same file under a second name, only for who can prove it may read
// it, and neither side's removal takes it from the other.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HANDOVER_HEADER, handoverKey, handoverProof, makeHandoverKey, provenDigest } from "../handover.ts";
import { Handover } from "./handover.ts";
import { digestOf, TestRegistry } from "./testing.ts";

async function withEngine() {
  const engineRoot = mkdtempSync(join(tmpdir(), "hoy-engine-"));
  const blobs = join(engineRoot, "blobs");
  mkdirSync(join(blobs, "sha256"), { recursive: true });
  const registry = await TestRegistry.start({ engineRoot });
  const key = (await handoverKey(blobs)) ?? new Uint8Array();
  return {
    registry,
    blobs,
    keep(data: string, digest = digestOf(data)): string {
      writeFileSync(join(blobs, digest.replace(":", "/")), data, { mode: 0o600 });
      return digest;
    },
    offer: (name: string, proof: string) =>
      registry.request("POST", `/v2/${name}/blobs/uploads/`, { headers: { [HANDOVER_HEADER]: proof } }),
    proof: (name: string, digest: string) => handoverProof(key, name, digest),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      rmSync(engineRoot, { recursive: true });
    },
  };
}

test("a proven blob is the same file under a second name, and outlives the first", async () => {
  await using set = await withEngine();
  const digest = set.keep("the layer");
  const answer = await set.offer("team/app", set.proof("team/app", digest));
  expect([answer.status, answer.headers.get("docker-content-digest")]).toEqual([201, digest]);
  const [theirs, ours] = [set.blobs, join(set.registry.root, "blobs")].map((root) =>
    join(root, digest.replace(":", "/")),
  );
  expect(statSync(ours ?? "").ino).toBe(statSync(theirs ?? "").ino);
  rmSync(theirs ?? "");
  expect(await (await set.registry.request("GET", `/v2/team/app/blobs/${digest}`)).text()).toBe("the layer");
  set.keep("the layer");
  expect((await set.offer("team/other", set.proof("team/other", digest))).status).toBe(201); // there already
  for (const name of ["team/app", "team/other"]) await set.registry.request("DELETE", `/v2/${name}/blobs/${digest}`);
  expect(statSync(theirs ?? "").nlink).toBe(1);
});

test("without a proof for this blob and this repository it is an upload like any other", async () => {
  await using set = await withEngine();
  const digest = set.keep("secret");
  const stranger = handoverProof(new Uint8Array(32), "a", digest);
  const other = set.proof("other", digest);
  const swapped = set.proof("a", digestOf("else")).replace(digestOf("else"), digest);
  for (const proof of [stranger, other, swapped, digest, "", `${digest} x`]) {
    expect((await set.offer("a", proof)).status).toBe(202);
    expect((await set.registry.request("HEAD", `/v2/a/blobs/${digest}`)).status).toBe(404);
  }
});

test("a blob that is not there, or has other bytes, must be sent", async () => {
  await using set = await withEngine();
  const damaged = set.keep("other bytes", digestOf("right bytes"));
  for (const digest of [digestOf("absent"), damaged]) {
    expect((await set.offer("a", set.proof("a", digest))).status).toBe(202);
    expect((await set.registry.request("HEAD", `/v2/a/blobs/${digest}`)).status).toBe(404);
  }
  expect(statSync(join(set.blobs, damaged.replace(":", "/"))).nlink).toBe(1);
});

test("the key: made once, read by its owner alone, the same for whoever makes it at once", async () => {
  await using set = await withEngine();
  const keys = await Promise.all(Array.from({ length: 5 }, () => makeHandoverKey(set.blobs)));
  expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(1);
  expect(statSync(join(set.blobs, "handover-key")).mode & 0o777).toBe(0o600);
  const [key = new Uint8Array()] = keys;
  const digest = digestOf("x");
  expect(provenDigest(key, "a", handoverProof(key, "a", digest))).toBe(digest);
  await expect(Handover.open("/nonexistent")).rejects.toThrow("not the data of an engine");
});
