import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, digestHex, sha256 } from "../base/digest.ts";
import { FileContentStore } from "./file-content.ts";

let root: string;
let store: FileContentStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "hoy-content-"));
  store = await FileContentStore.open(join(root, "blobs/sha256"), join(root, "tmp"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function text(source: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts).toString();
}

const leftovers = () => readdir(join(root, "tmp"));

describe("FileContentStore", () => {
  test("keeps what it is given, from memory and from a stream", async () => {
    const hello = sha256("hello");
    expect(await store.put(Buffer.from("hello"))).toEqual({ digest: hello, size: 5 });
    expect(await store.put(chunks("hel", "", "lo"))).toEqual({ digest: hello, size: 5 });
    expect(Buffer.from(await store.read(hello)).toString()).toBe("hello");
    expect(await text(await store.stream(hello))).toBe("hello");
    expect(await text(await store.stream(hello, { start: 1, end: 3 }))).toBe("el");
    expect(await text(await store.stream(hello, { start: 2, end: 2 }))).toBe("");
    expect((await stat(await store.path(hello))).mode & 0o777).toBe(0o600);
    expect(await leftovers()).toEqual([]);
  });

  test("an empty blob is a blob", async () => {
    expect(await store.put(chunks())).toEqual({ digest: sha256(""), size: 0 });
    expect(await store.size(sha256(""))).toBe(0);
  });

  test("a wrong digest is refused and nothing is kept", async () => {
    const expected = sha256("other");
    const promise = store.put(chunks("not it"), { expected });
    await expect(promise).rejects.toThrow(`wrong digest: expected ${expected}, got ${sha256("not it")}`);
    await promise.catch(() => undefined);
    expect(await store.size(sha256("not it"))).toBeUndefined();
    await expect(store.put(Buffer.from("not it"), { expected })).rejects.toThrow("wrong digest");
    expect(await leftovers()).toEqual([]);
  });

  test("a stream past the limit, broken or cancelled leaves nothing", async () => {
    await expect(store.put(chunks("12345", "67890"), { limit: 9 })).rejects.toThrow("more than 9 bytes");
    async function* broken() {
      yield Buffer.from("part");
      throw new Error("the connection broke");
    }
    await expect(store.put(broken())).rejects.toThrow("the connection broke");
    const signal = AbortSignal.abort();
    await expect(store.put(chunks("x"), { signal })).rejects.toThrow();
    expect(await leftovers()).toEqual([]);
  });

  test("what is there is not read again", async () => {
    const { digest } = await store.put(Buffer.from("there"));
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(1024);
      } finally {
        closed = true;
      }
    }
    const source = endless();
    await source.next();
    expect(await store.put(source, { expected: digest })).toEqual({ digest, size: 5 });
    expect(closed).toBe(true);
  });

  test("large streams come back whole", async () => {
    const block = Buffer.alloc(300_000, "abcdefg");
    const { digest, size } = await store.put(chunks(...Array.from({ length: 20 }, () => block)));
    expect(size).toBe(6_000_000);
    expect(digest).toBe(sha256(Buffer.concat(Array.from({ length: 20 }, () => block))));
    expect(sha256(await store.read(digest))).toBe(digest);
  });

  test("adopts a file by linking it", async () => {
    const path = join(root, "tmp", "made-elsewhere");
    await writeFile(path, "adopted");
    const digest = sha256("adopted");
    await store.adopt(path, digest);
    await store.adopt(path, digest);
    expect((await stat(await store.path(digest))).ino).toBe((await stat(path)).ino);
    await rm(path);
  });

  test("lists, deletes, and says what is missing", async () => {
    const { digest } = await store.put(Buffer.from("short-lived"));
    const listed: Digest[] = [];
    for await (const one of store.list()) listed.push(one);
    expect(listed).toContain(digest);
    await store.delete(digest);
    await store.delete(digest);
    await expect(store.path(digest)).rejects.toThrow(`content ${digest} is not here`);
    await expect(store.read(digest)).rejects.toThrow("is not here");
    expect(await readdir(join(root, "blobs/sha256"))).not.toContain(digestHex(digest));
  });

  test("read refuses what is larger than wanted", async () => {
    const { digest } = await store.put(Buffer.alloc(100));
    await expect(store.read(digest, 99)).rejects.toThrow("more than 99");
  });
});
