import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type FileHandle, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { filePart } from "./file-part.ts";
import { send } from "./http.ts";
import { ENDPOINT } from "./testing.ts";

const bytes = randomBytes(3_000_001);
let root: string;
let file: FileHandle;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "hoy-part-"));
  await writeFile(join(root, "blob"), bytes);
  file = await open(join(root, "blob"), "r");
});
afterEach(async () => {
  await file.close();
  await rm(root, { recursive: true });
});

/** Sends the part to a server that reads no faster than `pace` lets it. @returns digests of what came, and the status. */
async function sent(offset: number, size: number, pace: () => Promise<void>, statuses = [200]) {
  const came: string[] = [];
  const take = async (request: IncomingMessage) => {
    const parts: Buffer[] = [];
    for await (const part of request) {
      await pace();
      parts.push(part as Buffer);
    }
    return came.push(sha256(Buffer.concat(parts)));
  };
  await using server = createServer((request, response) => {
    take(request).then(
      (tries) => response.writeHead(statuses[tries - 1] ?? 200, { "Retry-After": "0" }).end(),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const headers = { "Content-Length": String(size) };
  const body = filePart(file, offset, size);
  const url = `http://127.0.0.1:${address.port}/`;
  const request = { method: "PATCH", url, headers, body, signal: new AbortController().signal } as const;
  const { status } = await send(ENDPOINT, request, { userAgent: "test", attempts: 3 });
  return { came, status };
}

test("a part arrives as it is in the file, at a server that reads slowly too", async () => {
  for (const [offset, size] of [
    [0, bytes.length],
    [1_234_567, 1_000_000],
    [bytes.length - 1, 1],
  ] as const) {
    const expected = sha256(bytes.subarray(offset, offset + size));
    expect(await sent(offset, size, async () => undefined)).toEqual({ came: [expected], status: 200 });
    expect(await sent(offset, size, () => Bun.sleep(1))).toEqual({ came: [expected], status: 200 });
  }
});

test("each try sends it from its beginning", async () => {
  const expected = sha256(bytes);
  expect(await sent(0, bytes.length, async () => undefined, [503, 200])).toEqual({
    came: [expected, expected],
    status: 200,
  });
});

test("a file that is shorter than it should be is an error, not a shorter part", async () => {
  await expect(sent(0, bytes.length + 1, async () => undefined)).rejects.toThrow("shorter than it should be");
});
