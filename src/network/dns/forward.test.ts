// Resolvers that lie, babble, or are not there: the right answer is found among it, or none; nothing is read past its end.

import { expect, test } from "bun:test";
import dgram from "node:dgram";
import net from "node:net";
import { forward, framed } from "./forward.ts";

/** A question for a.example, type A, class IN. */
const QUERY = Uint8Array.of(
  7,
  9,
  1,
  0,
  0,
  1,
  0,
  0,
  0,
  0,
  0,
  0,
  1,
  97,
  7,
  101,
  120,
  97,
  109,
  112,
  108,
  101,
  0,
  0,
  1,
  0,
  1,
);
const RIGHT = changed(QUERY, [2, 0x81]);

function changed(bytes: Uint8Array, ...changes: readonly (readonly [at: number, value: number])[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const [at, value] of changes) copy[at] = value;
  return copy;
}

const LIES: Readonly<Record<string, Uint8Array>> = {
  "another id": changed(RIGHT, [0, 8]),
  "not an answer": QUERY,
  "another question": changed(RIGHT, [13, 98]),
  "another type": changed(RIGHT, [24, 28]),
  "no question, no error": changed(RIGHT, [5, 0]),
  "two questions": changed(RIGHT, [5, 2]),
  "cut off in the header": RIGHT.subarray(0, 11),
  "cut off in the question": RIGHT.subarray(0, 20),
  "a pointer to itself for a name": changed(RIGHT, [12, 0xc0], [13, 12]),
  empty: new Uint8Array(),
  "64 KiB of ones": new Uint8Array(65_000).fill(1),
};

async function udp(answers: readonly Uint8Array[]): Promise<{ address: string; close: () => void }> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (_, from) => {
    for (const answer of answers) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

test("UDP: lies are passed over, and the right answer after them counts", async () => {
  const server = await udp([...Object.values(LIES), RIGHT]);
  expect([...((await forward(QUERY, [server.address], "udp")) ?? [])]).toEqual([...RIGHT]);
  server.close();
});

test("UDP: the name's case may differ; an error without the question counts", async () => {
  for (const answer of [changed(RIGHT, [13, 65]), changed(RIGHT.subarray(0, 12), [5, 0], [3, 1])]) {
    const server = await udp([answer]);
    expect([...((await forward(QUERY, [server.address], "udp")) ?? [])]).toEqual([...answer]);
    server.close();
  }
});

test("UDP: an answer from someone else does not count", async () => {
  const stranger = dgram.createSocket("udp4");
  const socket = dgram.createSocket("udp4");
  socket.on("message", (_, from) => {
    stranger.send(changed(RIGHT, [3, 5]), from.port, from.address, () => socket.send(RIGHT, from.port, from.address));
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const answer = await forward(QUERY, [`127.0.0.1:${socket.address().port}`], "udp");
  expect([...(answer ?? [])]).toEqual([...RIGHT]);
  socket.close();
  stranger.close();
});

test("a resolver that is not there makes room for the next", async () => {
  const gone = await udp([]);
  gone.close();
  const server = await udp([RIGHT]);
  expect([...((await forward(QUERY, [gone.address, server.address], "udp")) ?? [])]).toEqual([...RIGHT]);
  expect(await forward(QUERY, [gone.address], "tcp")).toBeUndefined();
  server.close();
});

test("TCP: a lie, a connection cut short, and bytes past the answer", async () => {
  const cases: readonly (readonly [Uint8Array, boolean])[] = [
    ...Object.values(LIES).map((lie) => [framed(lie), false] as const),
    [framed(RIGHT).subarray(0, 9), false],
    [Uint8Array.of(...framed(RIGHT), ...new Uint8Array(1000)), true],
  ];
  for (const [bytes, counts] of cases) {
    const server = net.createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(bytes));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const answer = await forward(QUERY, [`127.0.0.1:${port}`], "tcp");
    expect(answer === undefined ? undefined : [...answer]).toEqual(counts ? [...RIGHT] : undefined);
    server.close();
  }
});

test("random changes of a right answer: either it still answers the question, or it is passed over", async () => {
  for (let round = 0; round < 40; round++) {
    const noise = crypto.getRandomValues(new Uint8Array(3));
    const at = (noise[0] ?? 0) % RIGHT.length;
    const lie = changed(RIGHT, [at, noise[1] ?? 0]).subarray(0, Math.max(1, (noise[2] ?? 0) % (RIGHT.length + 1)));
    const server = await udp([lie, RIGHT]);
    const answer = await forward(QUERY, [server.address], "udp");
    expect(answer?.subarray(0, 2)).toEqual(answer === undefined ? undefined : QUERY.subarray(0, 2));
    server.close();
  }
});
