// The shim's protocol against hostile bytes: a live shim built with AddressSanitizer and UBSan, its container running,
// and connections that send random frames, broken frames and noise, and go away at any moment. Bounded by a count.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { encodeFrame, numbers } from "./frames.ts";
import { buildShim, Fixture } from "./testing/fixture.ts";

const CONNECTIONS = 400;

let fixture: Fixture;
beforeAll(() => {
  fixture = new Fixture(buildShim("-asan"));
}, 60_000);
afterAll(() => fixture.dispose(), 60_000);

/** Numbers that are the same in every run (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function noise(next: (below: number) => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => next(256)));
}

/** Frames of known types with payloads that are right, nearly right or random; now and then plain noise. */
function hostileBytes(next: (below: number) => number): Buffer {
  const parts = Array.from({ length: 1 + next(6) }, () => {
    if (next(6) === 0) return noise(next, next(64));
    const type = 1 + next(9);
    const lengths = [0, 8, 8, 8, 9, next(5000)];
    const payload = noise(next, lengths[next(lengths.length)] ?? 0);
    if (next(2) === 0 && payload.length >= 8) {
      payload.writeUInt32LE(next(3), 0);
      payload.writeUInt32LE(next(16), 4);
    }
    // No signal that ends the container: the test wants to see it alive. 0 only asks.
    if (type === 5 && payload.length >= 8) payload.writeUInt32LE(next(2) === 0 ? 0 : 65 + next(1000), 4);
    if (type === 6 && payload.length > 8) payload.write("/", 8);
    const frame = encodeFrame(type, payload);
    if (next(10) === 0) frame.writeUInt32LE(next(2 ** 31), 4);
    if (next(20) === 0) frame.writeUInt16LE(next(65_536), 2);
    return frame;
  });
  const whole = Buffer.concat(parts);
  return next(3) === 0 ? whole.subarray(0, next(whole.length + 1)) : whole;
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

async function attack(path: string, next: (below: number) => number): Promise<void> {
  const socket = await connect(path);
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  if (next(4) === 0) socket.pause();
  socket.write(hostileBytes(next));
  if (next(3) === 0) await Bun.sleep(1);
  if (next(2) === 0) socket.end();
  else socket.destroySoon();
  if (next(2) === 0) await Promise.race([closed, Bun.sleep(2)]);
  socket.destroy();
  await closed;
}

test("random frames close their own connection and nothing else", async () => {
  const { shim, id, bundle } = await fixture.start(["sh", "-c", "while :; do echo tick; sleep 0.01; done"], {
    stdin: true,
    stdinOnce: false,
    log: { driver: "none" },
  });
  const path = join(bundle, "shim.sock");
  const next = random(20_26);
  for (let done = 0; done < CONNECTIONS; done += 8)
    await Promise.all(Array.from({ length: 8 }, () => attack(path, next)));
  expect((await fixture.exec(shim, ["echo", "alive"])).stdout).toBe("alive\n");
  await shim.signal(9);
  expect((await shim.exited).code).toBe(137);
  await fixture.runtime.cleanup(id, bundle, fixture.request(["true"]).runtime);
  // A fault that the sanitizers see kills the shim: there would be no exit file.
  expect(existsSync(join(fixture.directory, "data", id, "exit.json"))).toBe(true);
  expectNoReport(shim.shimPid);
}, 60_000);

test("the limit of connections holds, and is given back", async () => {
  const { shim, bundle } = await fixture.start(["sleep", "100"]);
  const path = join(bundle, "shim.sock");
  const sockets: Socket[] = [];
  let refused = 0;
  // One after the other: the kernel's queue of connections that wait is shorter than their limit.
  for (let count = 0; count < 260; count++) {
    const socket = await connect(path).catch(() => undefined);
    socket?.on("error", () => undefined);
    if (socket !== undefined) sockets.push(socket);
    if (socket === undefined || (await isClosed(socket))) refused++;
  }
  // The engine's own subscription is one of the 256.
  expect(refused).toBe(260 - 255);
  for (const socket of sockets) socket.destroy();
  const alive = async (): Promise<string> => (await fixture.exec(shim, ["echo", "alive"])).stdout;
  let answer = "";
  for (let rounds = 0; answer === "" && rounds < 200; rounds++)
    answer = await alive().catch(() => Bun.sleep(10).then(() => ""));
  expect(answer).toBe("alive\n");
  await shim.signal(9);
  await shim.exited;
  expectNoReport(shim.shimPid);
});

/** Asks something of the shim: an answer, or the end. */
function isClosed(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.on("data", () => resolve(false));
    socket.on("close", () => resolve(true));
    if (socket.destroyed) resolve(true);
    else socket.write(encodeFrame(5, numbers(0, 0)));
  });
}

function expectNoReport(pid: number): void {
  const report = `/tmp/hoy-shim-asan.${pid}`;
  expect(existsSync(report) ? readFileSync(report, "utf8") : "").toBe("");
}
