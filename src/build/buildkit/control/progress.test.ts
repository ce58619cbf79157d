// Progress as clients see it: from the start for who comes late, until the end, with what went wrong.

import { expect, test } from "bun:test";
import { hostPlatform } from "../../../image/platform.ts";
import { vertex } from "../../graph.ts";
import { vertexDigest } from "../../solver/digests.ts";
import { BuildEvents, type StatusEvent } from "./progress.ts";
import { tunnel } from "./tunnel.ts";

const never = new AbortController().signal;
const at = "2026-01-02T03:04:05.123456789Z";
const rest = { platform: hostPlatform, ignoreCache: false };
const base = vertex({ kind: "source", type: "image", ref: "a", mode: "default" }, [], {
  ...rest,
  name: "FROM a",
  lines: undefined,
});
const step = vertex({ kind: "merge" }, [{ vertex: base, output: 0 }], {
  ...rest,
  name: "RUN x",
  lines: { start: 2, end: 3 },
});

async function all(events: BuildEvents): Promise<StatusEvent> {
  const got = await Array.fromAsync(events.watch(never));
  return {
    vertexes: got.flatMap(({ vertexes = [] }) => vertexes),
    statuses: got.flatMap(({ statuses = [] }) => statuses),
    logs: got.flatMap(({ logs = [] }) => logs),
    warnings: got.flatMap(({ warnings = [] }) => warnings),
  };
}

test("who comes late is told all of it, and all are told the same", async () => {
  const events = new BuildEvents(() => at);
  const early = all(events);
  const [a, b] = [vertexDigest(base), vertexDigest(step)];
  events.vertex(base, a);
  events.vertex(step, b);
  events.started(a, at);
  events.completed(a, at, { cached: true, error: undefined });
  events.started(b, at);
  events.log(b, "stderr", Buffer.from("oops\n"), at);
  events.completed(b, at, { cached: false, error: "exit code: 1" });
  events.end();
  const late = await all(events);
  expect(await early).toEqual(late);
  expect(late.vertexes?.map(({ name, cached, error }) => `${name} ${cached} ${error}`)).toEqual([
    "FROM a false ",
    "RUN x false ",
    "FROM a false ",
    "FROM a true ",
    "RUN x false ",
    "RUN x false exit code: 1",
  ]);
  expect(late.vertexes?.at(-1)?.inputs).toEqual([a]);
  expect(late.vertexes?.at(-1)?.started).toMatchObject({ seconds: 1_767_323_045n, nanos: 123_456_789 });
  expect(late.logs?.map(({ stream, msg }) => [stream, Buffer.from(msg ?? []).toString()])).toEqual([[2n, "oops\n"]]);
  expect(events.failedLines()).toEqual({ start: 2, end: 3 });
  expect(events.counts()).toEqual({ cached: 1, total: 2, completed: 2, warnings: 0 });
});

test("a step of the protocol's own is shown, and its error is passed on", async () => {
  const events = new BuildEvents(() => at);
  expect(
    await events.step("exporting", async ({ status }) => {
      status({ name: "layers", current: 1, total: 2, done: true });
      return 7;
    }),
  ).toBe(7);
  const failed = events.step("pushing", async () => {
    throw new Error("no");
  });
  expect(await failed.catch(String)).toContain("no");
  events.end();
  const { vertexes = [], statuses = [] } = await all(events);
  expect(vertexes.at(-1)).toMatchObject({ name: "pushing", error: "no" });
  expect(statuses[0]).toMatchObject({ id: "layers", current: 1n, total: 2n });
});

test("endless logs are clipped, and said to be", async () => {
  const events = new BuildEvents(() => at);
  events.vertex(base, vertexDigest(base));
  const piece = Buffer.alloc(1024 * 1024, "x");
  for (let count = 0; count < 50; count++) events.log(vertexDigest(base), "stdout", piece, at);
  events.end();
  const { logs = [] } = await all(events);
  const total = logs.reduce((sum, { msg }) => sum + (msg?.length ?? 0), 0);
  expect(total).toBeLessThan(33 * 1024 * 1024);
  expect(Buffer.from(logs.at(-1)?.msg ?? []).toString()).toContain("[output clipped]");
});

test("a tunnel carries bytes both ways and ends with either side", async () => {
  const incoming = (async function* () {
    yield { data: Buffer.from("to ") };
    yield { data: Buffer.from("us") };
  })();
  const { socket, outgoing } = tunnel(incoming, never);
  const read = Array.fromAsync(socket as AsyncIterable<Uint8Array>);
  socket.write("from ");
  socket.end("us");
  const sent = await Array.fromAsync(outgoing);
  expect(Buffer.concat(sent.map(({ data }) => data)).toString()).toBe("from us");
  expect(Buffer.concat(await read).toString()).toBe("to us");
});
