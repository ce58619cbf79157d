// Files to many readers at once through one buffer: fast ones, slow ones, ones that go, over TLS too.

import { afterAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { certificates } from "../../../test/harness/certificates.ts";
import { testWith } from "../../../test/harness/needs.ts";
import { sendFile } from "./send-file.ts";

const SIZE = 12_345_678;
const root = mkdtempSync(join(tmpdir(), "hoy-send-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const files = [0, 1, 2].map((each) => {
  const [path, bytes] = [join(root, String(each)), randomBytes(SIZE)];
  writeFileSync(path, bytes);
  return { path, bytes };
});

async function handler(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, index, start, end] = /^\/(\d)\/(\d+)-(\d+)$/.exec(request.url ?? "") ?? [];
  await using file = await open(files[Number(index)]?.path ?? "", "r");
  response.writeHead(200, { "Content-Length": Number(end) - Number(start) });
  await sendFile(response, file, { start: Number(start), end: Number(end) }).catch(() => response.destroy());
}

async function serving(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { port, [Symbol.asyncDispose]: stop };
}

/** Reads an answer; a slow reader stops for a moment after each piece. */
function read(socket: Socket, path: string, slow: boolean): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("data", (part: Buffer) => {
      parts.push(Buffer.from(part));
      if (!slow) return;
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    socket.on("close", () => {
      const all = Buffer.concat(parts);
      resolve(all.subarray(all.indexOf("\r\n\r\n") + 4));
    });
  });
}

async function manyReaders(open_: () => Socket): Promise<void> {
  const wanted = [0, 1, 2].flatMap((index) => [
    { index, start: 0, end: SIZE, slow: false },
    { index, start: 0, end: SIZE, slow: true },
    { index, start: 1_000_001, end: 9_999_999, slow: true },
  ]);
  const got = await Promise.all(
    wanted.map(({ index, start, end, slow }) => read(open_(), `/${index}/${start}-${end}`, slow)),
  );
  for (const [at, { index, start, end }] of wanted.entries()) {
    const right = files[index]?.bytes.subarray(start, end);
    expect([at, got[at]?.length, right !== undefined && got[at]?.equals(right)]).toEqual([at, end - start, true]);
  }
}

test("every reader gets its own bytes, however slow", async () => {
  await using server = await serving(createServer(handler));
  await manyReaders(() => connect(server.port, "127.0.0.1"));
}, 60_000);

const pki = await certificates();

testWith("openssl", "over TLS too", async () => {
  const pem = (name: string) => readFileSync(join(pki, name), "utf8");
  await using server = await serving(createTlsServer({ cert: pem("server.pem"), key: pem("server.key") }, handler));
  await manyReaders(() => connectTls({ port: server.port, host: "127.0.0.1", ca: pem("ca.pem") }));
});

test("a reader that goes, and a file that is shorter than was said, end only that answer", async () => {
  await using server = await serving(createServer(handler));
  const gone = connect(server.port, "127.0.0.1");
  gone.write(`GET /0/0-${SIZE} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await new Promise((resolve) => gone.once("data", resolve));
  gone.destroy();
  const path = join(root, "short");
  writeFileSync(path, randomBytes(2_000_000));
  files.push({ path, bytes: readFileSync(path) });
  truncateSync(path, 1_500_000);
  const short = await read(connect(server.port, "127.0.0.1"), "/3/0-2000000", false).catch(() => Buffer.alloc(0));
  expect(short.length).toBeLessThan(2_000_000);
  const whole = await read(connect(server.port, "127.0.0.1"), `/1/0-${SIZE}`, false);
  expect(files[1]?.bytes.equals(whole)).toBe(true);
});
