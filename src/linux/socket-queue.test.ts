// What a socket's other side has not read is counted, and not once it is read.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { unreadBytes } from "./socket-queue.ts";

const descriptor = (socket: Socket) => (socket as unknown as { _handle: { fd: number } })._handle.fd;

test("bytes count until the peer has read them", async () => {
  const folder = mkdtempSync("/tmp/hoy-queue-");
  const path = join(folder, "s");
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer(accepted.resolve).listen(path);
  const reader = connect(path).pause();
  const socket = await accepted.promise;
  try {
    expect(unreadBytes(descriptor(socket))).toBe(0);
    // More than a reader that has paused takes in advance.
    socket.write(Buffer.alloc(4 * 1024 * 1024));
    expect(unreadBytes(descriptor(socket))).toBeGreaterThan(0);
    reader.resume();
    for (let i = 0; i < 1000 && unreadBytes(descriptor(socket)) > 0; i++) await Bun.sleep(10);
    expect(unreadBytes(descriptor(socket))).toBe(0);
  } finally {
    reader.destroy();
    socket.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  }
});

test("what is no socket has nothing unread", () => {
  expect(unreadBytes(1 << 20)).toBe(0);
});
