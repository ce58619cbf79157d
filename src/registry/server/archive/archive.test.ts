// A registry into an archive and out of it again: the same to its clients and its accounts, or nothing at all.

import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { extract, pack } from "tar-stream";
import { Accounts } from "../access/accounts.ts";
import { withBooks } from "../admin.ts";
import { digestOf, TestRegistry } from "../testing.ts";
import { exportRegistry } from "./export.ts";
import { importRegistry, settle } from "./import.ts";

setDefaultTimeout(30_000);

const folder = () => mkdtempSync(join(tmpdir(), "hoy-registry-"));

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

async function archiveOf(registry: TestRegistry): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(exportRegistry(registry.root)));
}

type Entries = Map<string, Buffer>;

async function entriesOf(archive: Uint8Array): Promise<Entries> {
  const entries: Entries = new Map();
  for await (const entry of Readable.from([archive]).pipe(extract()))
    entries.set(entry.header.name, Buffer.concat(await Array.fromAsync(entry as AsyncIterable<Uint8Array>)));
  return entries;
}

async function archiveFrom(entries: Entries): Promise<Buffer> {
  const tar = pack();
  for (const [name, bytes] of entries) tar.entry({ name }, bytes);
  tar.finalize();
  return Buffer.concat(await Array.fromAsync(tar as AsyncIterable<Uint8Array>));
}

async function source() {
  const registry = await TestRegistry.start();
  const { digest, layer, text } = await registry.pushImage("team/app", "v1", "the layer");
  await registry.putManifest("team/app", "v2", text);
  await registry.pushImage("other", "v1", "another");
  await registry.request("POST", "/v2/team/app/blobs/uploads/");
  const accounts = new Accounts(registry.root);
  const hash = await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 });
  accounts.users.importHtpasswd(`alice:${hash}\n`);
  accounts.grant("alice", "team/*", "write");
  accounts.sessions.open("alice", false);
  accounts.close();
  withBooks(registry.root, ({ quotas }) => quotas.set("team", 12345));
  return { registry, digest, layer, text };
}

test("everything comes back: images, tags, accounts, rules; from a registry that runs", async () => {
  const { registry: running, digest, layer, text } = await source();
  await using from = running;
  const archive = await archiveOf(from);
  expect(readdirSync(from.root).filter((name) => name.startsWith("export-"))).toEqual([]);
  const root = folder();
  expect(await importRegistry(root, chunks(archive))).toEqual({ repositories: 2, blobs: 3 });
  await settle(root);
  await using to = await TestRegistry.start({ root });
  for (const tag of ["v1", "v2"])
    expect(await (await to.request("GET", `/v2/team/app/manifests/${tag}`)).text()).toBe(text);
  expect(await (await to.request("GET", `/v2/team/app/blobs/${layer}`)).text()).toBe("the layer");
  // Only blobs: the layout's copies of manifests are swept, and nothing else is left.
  expect(readdirSync(join(root, "blobs/sha256"))).toHaveLength(3);
  expect(readdirSync(root).filter((name) => /^(import|export)-/.test(name))).toEqual([]);
  expect(readdirSync(join(root, "uploads"))).toEqual([]);
  const accounts = new Accounts(root);
  expect((await accounts.verify("alice", "secret"))?.account?.name).toBe("alice");
  expect(accounts.grants.list("alice")).toEqual([{ account: "alice", pattern: "team/*", role: "write" }]);
  accounts.close();
  expect(withBooks(root, ({ rows }) => rows.uploads())).toEqual([]);
  expect(withBooks(root, ({ quotas }) => quotas.list())).toEqual([{ subject: "team", bytes: 12345 }]);
  expect((await to.request("GET", `/v2/team/app/manifests/${digest}`)).status).toBe(200);
});

test("the archive is an OCI layout: every entry of its index is there under its digest", async () => {
  const { registry, digest } = await source();
  await using from = registry;
  const entries = await entriesOf(await archiveOf(from));
  expect(JSON.parse(String(entries.get("oci-layout")))).toEqual({ imageLayoutVersion: "1.0.0" });
  const { manifests } = JSON.parse(String(entries.get("index.json"))) as {
    manifests: { digest: string; size: number; annotations?: Record<string, string> }[];
  };
  const named = manifests.map((each) => each.annotations?.["org.opencontainers.image.ref.name"]);
  expect(named).toEqual(["other:v1", "team/app:v1", "team/app:v2"]);
  expect(manifests[1]?.digest).toBe(digest);
  for (const [name, bytes] of entries) {
    const [, hex] = /^blobs\/sha256\/(.+)$/.exec(name) ?? [];
    if (hex !== undefined) expect(createHash("sha256").update(bytes).digest("hex")).toBe(hex);
  }
  for (const each of manifests) expect(entries.get(`blobs/${each.digest.replace(":", "/")}`)?.length).toBe(each.size);
});

test("what is not whole or not right makes no registry, and the next try is free", async () => {
  const { registry, layer } = await source();
  await using from = registry;
  const archive = await archiveOf(from);
  const entries = await entriesOf(archive);
  const changed = (change: (copy: Entries) => void) => {
    const copy: Entries = new Map(entries);
    change(copy);
    return archiveFrom(copy);
  };
  const blob = `blobs/${layer.replace(":", "/")}`;
  const bad: Record<string, Promise<Buffer> | Buffer> = {
    "cut in the middle": archive.subarray(0, archive.length / 2),
    "cut before the books": await changed((copy) => copy.delete("registry.db")),
    "a blob of other bytes": await changed((copy) => copy.set(blob, Buffer.from("the lager"))),
    "a blob that is missing": await changed((copy) => copy.delete(blob)),
    "books that are none": await changed((copy) => copy.set("registry.db", Buffer.alloc(9000, 1))),
    "a path that leads out": await changed((copy) => copy.set("../evil", Buffer.from("x"))),
    "something after the books": await archiveFrom(new Map([...entries, ["blobs/sha256/x", Buffer.from("x")]])),
    "no archive": Buffer.from("hello"),
  };
  const root = folder();
  for (const [what, bytes] of Object.entries(bad)) {
    const fault = await importRegistry(root, chunks(await bytes)).then(
      () => "taken",
      (error: unknown) => (error instanceof Error ? "refused" : "strange"),
    );
    expect([what, fault]).toEqual([what, "refused"]);
    expect(existsSync(join(root, "registry.db"))).toBe(false);
    expect(readdirSync(root).filter((name) => name.startsWith("import-"))).toEqual([]);
  }
  expect((await importRegistry(root, chunks(archive))).blobs).toBe(3);
  await expect(importRegistry(root, chunks(archive))).rejects.toThrow("already");
  rmSync(root, { recursive: true });
});

test("a folder that a server uses is not imported into", async () => {
  await using registry = await TestRegistry.start();
  await expect(importRegistry(registry.root, chunks(Buffer.alloc(0)))).rejects.toThrow("another process");
});

test("a blob that was removed while the export ran is left out of the books as well", async () => {
  const { registry, layer } = await source();
  await using from = registry;
  // As if its row was in the snapshot, and a removal came before it was read.
  rmSync(join(from.root, "blobs/sha256", digestOf("another").slice(7)));
  const root = folder();
  const { blobs } = await importRegistry(root, chunks(await archiveOf(from)));
  await using to = await TestRegistry.start({ root });
  expect(blobs).toBe(2);
  expect((await to.request("HEAD", `/v2/other/blobs/${digestOf("another")}`)).status).toBe(404);
  expect((await to.request("GET", `/v2/team/app/blobs/${layer}`)).status).toBe(200);
});
