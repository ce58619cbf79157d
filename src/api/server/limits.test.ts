// What hostile or broken clients get: time-outs, limits, malformed heads, and a server that stays up.

import { expect, test } from "bun:test";
import { startHarness } from "../testing/harness.ts";

const list = { containers: { list: async () => [] } };
const works = async (harness: Awaited<ReturnType<typeof startHarness>>) =>
  expect((await harness.ask("GET", "/containers/json")).status).toBe(200);

test("a head that comes too slowly is cut off, on a new connection and on a kept one", async () => {
  await using harness = await startHarness(list, { headTimeout: 150 });
  await using fresh = await harness.raw();
  fresh.send("GET /containers/json HTTP/1.1\r\nHo");
  await using kept = await harness.raw();
  kept.send("GET /containers/json HTTP/1.1\r\nHost: t\r\n\r\n");
  await kept.until("[]\n");
  kept.send("GET /containers/json HTTP/1.1\r\nHo");
  await Promise.all([fresh.all(), kept.all()]);
  await works(harness);
});

test("a silent connection is closed after the idle time, a long answer is not", async () => {
  const { promise, resolve } = Promise.withResolvers<{ StatusCode: number }>();
  await using harness = await startHarness(
    { containers: { wait: async () => ({ result: promise }) } },
    { headTimeout: 150, idleTimeout: 150 },
  );
  await using silent = await harness.raw();
  await using waiting = await harness.raw();
  waiting.send("POST /containers/x/wait HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  await waiting.until("200 OK");
  expect(await silent.all()).toBe("");
  await Bun.sleep(600);
  resolve({ StatusCode: 3 });
  expect(await waiting.all()).toContain('{"StatusCode":3}');
});

test("a JSON body that does not come is cut off", async () => {
  await using harness = await startHarness({ volumes: { create: async () => ({}) as never } }, { jsonTimeout: 150 });
  await using connection = await harness.raw();
  connection.send(
    "POST /volumes/create HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
  );
  await connection.all();
});

test("heads that are too large or no HTTP are refused without an echo", async () => {
  await using harness = await startHarness(list);
  const answerTo = async (text: string) => {
    await using connection = await harness.raw();
    connection.send(text);
    return await connection.all();
  };
  const large = await answerTo(`GET / HTTP/1.1\r\nHost: t\r\nX-Secret: ${"s".repeat(200_000)}\r\n\r\n`);
  expect(large).toStartWith("HTTP/1.1 431 ");
  expect(large).not.toContain("sss");
  for (const text of [
    "<script>\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: t\r\nA : b\r\n\r\n",
  ]) {
    const answer = await answerTo(text);
    expect(answer).toStartWith("HTTP/1.1 400 ");
    expect(answer).not.toContain("script");
  }
  await works(harness);
});

test("more connections than the limit are closed, those there are stay", async () => {
  await using harness = await startHarness(list, { connections: 3 });
  const kept = await Promise.all([1, 2, 3].map(() => harness.raw()));
  for (const each of kept) {
    each.send("GET /_ping HTTP/1.1\r\nHost: t\r\n\r\n");
    await each.until("OK");
  }
  await using late = await harness.raw();
  expect(await late.all()).toBe("");
  for (const each of kept) await each[Symbol.asyncDispose]();
});

test("random bytes and mangled requests never bring the server down", async () => {
  await using harness = await startHarness(list, { headTimeout: 200 });
  let seed = 42;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % below;
  };
  const good =
    'POST /v1.51/containers/create?name=x HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"Image":"a"}';
  const rounds = Array.from({ length: 120 }, async (_, round) => {
    const bytes = Buffer.from(good);
    if (round % 3 === 0) for (let i = 0; i < bytes.length; i++) bytes[i] = random(256);
    else for (let i = 0; i <= random(6); i++) bytes[random(bytes.length)] = random(256);
    await using connection = await harness.raw();
    connection.send(round % 4 === 0 ? bytes.subarray(0, random(bytes.length)) : bytes);
    connection.end();
    await connection.all();
  });
  await Promise.all(rounds);
  await works(harness);
});

test("a connection that asks a thousand times holds no more than one that asks once", async () => {
  await using harness = await startHarness(list);
  const warned: string[] = [];
  const warn = (warning: Error) => warned.push(warning.message);
  process.on("warning", warn);
  await using connection = await harness.raw();
  for (let i = 0; i < 1000; i++) {
    connection.send("GET /containers/json HTTP/1.1\r\nHost: t\r\n\r\n");
    if (i % 50 === 49) await Bun.sleep(1);
  }
  connection.send("GET /_ping HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  await connection.all();
  process.off("warning", warn);
  expect(warned).toEqual([]);
});
