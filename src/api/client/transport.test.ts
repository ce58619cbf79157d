// The client against our own server and against older ones.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { EchoProcess } from "../testing/fake.ts";
import { startHarness } from "../testing/harness.ts";
import { json, scripted } from "../testing/scripted.ts";
import { DaemonError } from "./errors.ts";

const tooNew = json(
  { message: "client version 1.51 is too new. Maximum supported API version is 1.41" },
  "400 Bad Request",
);

test("one request is one round trip: the version is not asked for", async () => {
  using engine = await scripted((_, socket) => socket.write(json([])));
  expect(
    await engine.client().containers.list({ all: true, limit: 2, filters: new Map([["a", new Set(["b"])]]) }),
  ).toEqual([]);
  expect(engine.heads).toHaveLength(1);
  expect(engine.heads[0]).toStartWith(
    "GET /v1.51/containers/json?all=1&limit=2&filters=%7B%22a%22%3A%7B%22b%22%3Atrue%7D%7D HTTP/1.1\r\n",
  );
});

test("an older engine's refusal is taken at its word, once", async () => {
  using engine = await scripted((head, socket) => socket.write(head.includes("/v1.51/") ? tooNew : json([])));
  const client = engine.client();
  await client.containers.list();
  await client.containers.list();
  expect(engine.heads.map((head) => head.split(" ")[1])).toEqual([
    "/v1.51/containers/json",
    "/v1.41/containers/json",
    "/v1.41/containers/json",
  ]);
  expect(engine.connections).toBe(1);
});

test("a version that was set is kept, whatever the engine says; one that is none is refused", async () => {
  using engine = await scripted((_, socket) => socket.write(tooNew));
  await expect(engine.client("1.43").containers.list()).rejects.toThrow("is too new");
  expect(engine.heads[0]).toStartWith("GET /v1.43/");
  expect(() => engine.client("latest")).toThrow("invalid API version");
});

test("before an upload the version is asked for, since it can't be sent twice", async () => {
  using engine = await scripted((head, socket) => {
    if (head.startsWith("HEAD /_ping"))
      socket.write("HTTP/1.1 200 OK\r\nApi-Version: 1.40\r\nContent-Length: 0\r\n\r\n");
    else socket.write(json({}));
  });
  async function* body() {
    yield Buffer.from("tar");
  }
  for await (const _ of await engine.client().images.load(body()));
  expect(engine.heads.map((head) => head.split(" ").slice(0, 2).join(" ")).slice(0, 2)).toEqual([
    "HEAD /_ping",
    "POST /v1.40/images/load?quiet=0",
  ]);
});

test("an idle connection that the engine closed is replaced without a word", async () => {
  using engine = await scripted((_, socket, nth) => {
    socket.write(json([]));
    if (nth === 1) socket.end();
  });
  const client = engine.client();
  await client.containers.list();
  await client.containers.list();
  expect(engine.connections).toBe(2);
});

test("an idle connection does not keep a program from ending", async () => {
  await using harness = await startHarness({ containers: { list: async () => [] } });
  const program = `
import { Transport } from ${JSON.stringify(join(import.meta.dir, "transport.ts"))};
const transport = new Transport({ kind: "unix", path: ${JSON.stringify(harness.path)}, text: "" });
for (let i = 0; i < 3; i++) console.log(await transport.json("GET", "/containers/json"));`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit" });
  expect(await new Response(child.stdout).text()).toBe("[]\n[]\n[]\n");
  expect(await child.exited).toBe(0);
});

test("errors carry the engine's words and its status", async () => {
  await using harness = await startHarness({
    containers: {
      inspect: async () => {
        throw new HoyError("not-found", "No such container: x");
      },
      start: async () => {
        throw new HoyError("not-modified", "");
      },
    },
  });
  const failure = await harness
    .client()
    .containers.inspect("x")
    .catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(DaemonError);
  expect(failure).toMatchObject({
    code: "not-found",
    answered: 404,
    daemonMessage: "No such container: x",
    message: "Error response from daemon: No such container: x",
  });
  await expect(harness.client().containers.start("x")).rejects.toMatchObject({ code: "not-modified" });
});

test("attach both ways with half-close, megabytes of it", async () => {
  await using harness = await startHarness({ containers: { attach: async () => new EchoProcess(false) } });
  const stream = await harness.client().containers.attach("x", { stdin: true, stdout: true, stream: true, tty: false });
  const block = new Uint8Array(100_000).fill(120);
  const writing = (async () => {
    for (let i = 0; i < 50; i++) await stream.write(block);
    stream.closeWrite();
  })();
  const got = { stdout: 0, stderr: "" };
  for await (const { stream: name, data } of stream.output) {
    if (name === "stdout") got.stdout += data.length;
    else got.stderr += Buffer.from(data).toString();
  }
  await writing;
  stream.close();
  expect(got).toEqual({ stdout: 5_000_000, stderr: "bye\n" });
});

test("an abort ends a stream with the abort, and the engine is told", async () => {
  const told = Promise.withResolvers<void>();
  await using harness = await startHarness({
    system: {
      events: async (_, signal) => {
        signal.addEventListener("abort", () => told.resolve());
        return (async function* () {
          yield { Type: "container", Action: "start" } as const;
          await told.promise;
        })();
      },
    },
  });
  const controller = new AbortController();
  const events = await harness.client().system.events({}, controller.signal);
  expect((await events.next()).value).toMatchObject({ Action: "start" });
  controller.abort();
  await expect(events.next()).rejects.toMatchObject({ name: "AbortError" });
  await told.promise;
});

test("leaving a stream early closes its connection", async () => {
  const told = Promise.withResolvers<void>();
  await using harness = await startHarness({
    containers: {
      export: async (_, signal) => {
        signal.addEventListener("abort", () => told.resolve());
        return (async function* () {
          for (;;) yield new Uint8Array(1000);
        })();
      },
    },
  });
  for await (const _ of await harness.client().containers.export("x")) break;
  await told.promise;
});

test("an upload that is refused gives the engine's reason", async () => {
  await using harness = await startHarness({
    images: {
      load: async () => {
        throw new HoyError("invalid", "not an archive");
      },
    },
  });
  async function* endless() {
    for (;;) {
      yield new Uint8Array(65536);
      await Bun.sleep(0);
    }
  }
  await expect(harness.client().images.load(endless())).rejects.toThrow("Error response from daemon: not an archive");
});
