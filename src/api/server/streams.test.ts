// What flows, as bytes over a fake backend: attach, exec, logs, wait, progress, uploads; and clients that go away.

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { HoyError } from "../../base/error.ts";
import { frame } from "../stdcopy.ts";
import { EchoProcess } from "../testing/fake.ts";
import { messageOf, parseAnswer, startHarness } from "../testing/harness.ts";

test("attach: 101 with Upgrade, 200 without, frames, and a half-close that leaves the output open", async () => {
  const processes: EchoProcess[] = [];
  await using harness = await startHarness({
    containers: {
      attach: async () => {
        const process = new EchoProcess(false);
        processes.push(process);
        return process;
      },
    },
  });
  for (const [upgrade, version, status, type] of [
    ["Connection: Upgrade\r\nUpgrade: tcp\r\n", "/v1.51", "101 UPGRADED", "application/vnd.docker.multiplexed-stream"],
    ["Connection: Upgrade\r\nUpgrade: tcp\r\n", "/v1.41", "101 UPGRADED", "application/vnd.docker.raw-stream"],
    ["", "/v1.51", "200 OK", "application/vnd.docker.raw-stream"],
  ] as const) {
    await using connection = await harness.raw();
    connection.send(
      `POST ${version}/containers/x/attach?stdin=1&stdout=1&stream=1 HTTP/1.1\r\nHost: t\r\n${upgrade}\r\n`,
    );
    const head = await connection.until("\r\n\r\n");
    expect(head).toStartWith(`HTTP/1.1 ${status}\r\n`);
    expect(head).toContain(`Content-Type: ${type}\r\n`);
    connection.send("hello");
    await connection.until("hello");
    connection.end();
    const bytes = Buffer.concat([frame("stdout", Buffer.from("hello")), frame("stderr", Buffer.from("bye\n"))]);
    expect(parseAnswer(await connection.all()).text).toBe(bytes.toString("latin1"));
  }
  expect(processes.every((process) => process.closed)).toBe(true);
});

test("megabytes of input reach a slow process whole and in order, its end after them", async () => {
  const hash = createHash("sha256");
  const done = Promise.withResolvers<string>();
  const process = new EchoProcess(false);
  process.write = async (data) => {
    const copy = Uint8Array.from(data);
    await Bun.sleep(copy.length % 3);
    hash.update(copy);
  };
  process.endInput = () => {
    done.resolve(hash.digest("hex"));
    process.output.end();
  };
  await using harness = await startHarness({ containers: { attach: async () => process } });
  await using connection = await harness.raw();
  connection.send(
    "POST /containers/x/attach?stdin=1&stream=1 HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
  );
  await connection.until("\r\n\r\n");
  const sent = createHash("sha256");
  for (let i = 0; i < 100; i++) {
    const piece = new Uint8Array(50_001).fill(i);
    sent.update(piece);
    connection.send(piece);
  }
  connection.end();
  expect(await done.promise).toBe(sent.digest("hex"));
  await connection.all();
});

test("output waits until the client has read the head, which some read with all that comes in one piece with it", async () => {
  let unread = 1;
  const attach = async () => new EchoProcess(true);
  await using harness = await startHarness({ containers: { attach } }, {}, () => unread);
  await using connection = await harness.raw();
  connection.send(
    "POST /containers/x/attach?stdin=1&stdout=1&stream=1 HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly",
  );
  await connection.until("\r\n\r\n");
  const whenItCame = connection.until("early").then(() => unread);
  await Bun.sleep(50);
  unread = 0;
  expect(await whenItCame).toBe(0);
});

test("bytes that come right behind an upgrade's head are input", async () => {
  await using harness = await startHarness({ containers: { attach: async () => new EchoProcess(true) } });
  await using connection = await harness.raw();
  connection.send(
    "POST /containers/x/attach?stdin=1&stdout=1&stream=1 HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly",
  );
  await connection.until("early");
});

test("an attach that fails is an ordinary error", async () => {
  await using harness = await startHarness({
    containers: {
      attach: async () => {
        throw new HoyError("not-found", "No such container: x");
      },
    },
  });
  const answer = await harness.ask("POST", "/containers/x/attach", {
    headers: { Connection: "Upgrade", Upgrade: "tcp" },
  });
  expect([answer.status, answer.json]).toEqual([404, { message: "No such container: x" }]);
});

test("exec start: body and upgrade together; a command that can't run is told in the stream", async () => {
  await using harness = await startHarness({
    exec: {
      inspect: async () => ({ OpenStdin: true }) as never,
      start: async (id) => {
        if (id === "bad") throw new HoyError("invalid", "exec: nope: not found");
        const process = new EchoProcess(false);
        process.endInput();
        return process;
      },
    },
  });
  const start = async (id: string) => {
    await using connection = await harness.raw();
    connection.send(
      `POST /exec/${id}/start HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
    return await connection.all();
  };
  expect(await start("good")).toEndWith(Buffer.from(frame("stderr", Buffer.from("bye\n"))).toString("latin1"));
  const bad = await start("bad");
  expect(bad).toStartWith("HTTP/1.1 101 UPGRADED");
  expect(bad).toEndWith("exec: nope: not found\r\n");
});

test("wait sends its head before the result", async () => {
  const { promise, resolve } = Promise.withResolvers<{ StatusCode: number }>();
  await using harness = await startHarness({ containers: { wait: async () => ({ result: promise }) } });
  await using connection = await harness.raw();
  connection.send("POST /v1.51/containers/x/wait?condition=next-exit HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  expect(await connection.until("\r\n\r\n")).toStartWith("HTTP/1.1 200 OK");
  resolve({ StatusCode: 7 });
  expect(parseAnswer(await connection.all()).json).toEqual({ StatusCode: 7 });
  expect(await messageOf(harness, "POST", "/containers/x/wait?condition=never")).toEqual([
    400,
    'invalid condition: "never"',
  ]);
});

test("progress: an error before the first line has a status, one after it is a line", async () => {
  async function* some() {
    yield { status: "one" };
    throw new HoyError("invalid", "broken archive");
  }
  async function* none() {
    yield* empty();
    throw new HoyError("not-found", "no such image");
  }
  await using harness = await startHarness({ images: { pull: async (ref) => (ref === "some:1" ? some() : none()) } });
  const late = await harness.ask("POST", "/images/create?fromImage=some&tag=1");
  expect(late.status).toBe(200);
  expect(late.text).toBe(
    '{"status":"one"}\r\n{"errorDetail":{"message":"broken archive"},"error":"broken archive"}\r\n',
  );
  expect(await messageOf(harness, "POST", "/images/create?fromImage=other&tag=1")).toEqual([404, "no such image"]);
});

test("a client that goes away fires the signal and closes the source", async () => {
  const fired = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  await using harness = await startHarness({
    system: {
      events: async (_, signal) => {
        signal.addEventListener("abort", () => fired.resolve());
        return (async function* () {
          try {
            for (;;) {
              yield { Type: "container", Action: "start" } as const;
              await Bun.sleep(5);
            }
          } finally {
            closed.resolve();
          }
        })();
      },
    },
  });
  await using connection = await harness.raw();
  connection.send("GET /events HTTP/1.1\r\nHost: t\r\n\r\n");
  await connection.until('"Action":"start"');
  connection.destroy();
  await fired.promise;
  await closed.promise;
});

test("a client that does not read stops the source", async () => {
  let made = 0;
  async function* endless() {
    for (;;) {
      made += 65536;
      yield new Uint8Array(65536);
      if (made % (65536 * 64) === 0) await Bun.sleep(0);
    }
  }
  await using harness = await startHarness({ containers: { export: async () => endless() } });
  await using connection = await harness.raw();
  connection.socket.pause();
  connection.send("GET /containers/x/export HTTP/1.1\r\nHost: t\r\n\r\n");
  let before = -1;
  while (made === 0 || made !== before) {
    before = made;
    await Bun.sleep(100);
  }
  expect(made).toBeLessThan(64 * 1024 * 1024);
});

test("uploads stream to the engine, chunked or not, after 100-continue", async () => {
  const got: number[] = [];
  await using harness = await startHarness({
    containers: {
      archivePut: async (_ref, _options, tar) => {
        let size = 0;
        for await (const piece of tar) size += piece.length;
        got.push(size);
      },
    },
  });
  await using connection = await harness.raw();
  connection.send(
    "PUT /containers/x/archive?path=/ HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
  );
  await connection.until("HTTP/1.1 100 Continue\r\n\r\n");
  connection.send("12345");
  await connection.until("HTTP/1.1 200 OK");
  connection.send(
    "PUT /containers/x/archive?path=/ HTTP/1.1\r\nHost: t\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
  );
  await connection.all();
  expect(got).toEqual([5, 7]);
});

test("an engine that does not read stops the client, and gets everything in the end", async () => {
  const gate = Promise.withResolvers<void>();
  const size = Promise.withResolvers<number>();
  await using harness = await startHarness({
    containers: {
      archivePut: async (_ref, _options, tar) => {
        await gate.promise;
        let got = 0;
        for await (const piece of tar) got += piece.length;
        size.resolve(got);
      },
    },
  });
  await using connection = await harness.raw();
  const piece = new Uint8Array(1024 * 1024);
  connection.send(
    `PUT /containers/x/archive?path=/ HTTP/1.1\r\nHost: t\r\nContent-Length: ${64 * piece.length}\r\n\r\n`,
  );
  for (let i = 0; i < 64; i++) connection.send(piece);
  let before = -1;
  while (connection.socket.writableLength !== before) {
    before = connection.socket.writableLength;
    await Bun.sleep(100);
  }
  expect(before).toBeGreaterThan(32 * 1024 * 1024);
  gate.resolve();
  expect(await size.promise).toBe(64 * piece.length);
  await connection.until("200 OK");
});

test("an upload that is refused is answered while it is still being sent", async () => {
  await using harness = await startHarness({
    images: {
      load: async () => {
        throw new HoyError("invalid", "not an archive");
      },
    },
  });
  await using connection = await harness.raw();
  connection.send("POST /images/load HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  expect(await connection.until("not an archive")).toContain("HTTP/1.1 400");
  await connection.all();
});

async function* empty(): AsyncGenerator<never> {
  yield* [];
}

test("an upload that breaks off fails the reading of its body", async () => {
  const failed = Promise.withResolvers<unknown>();
  await using harness = await startHarness({
    images: {
      load: async (body) => {
        try {
          for await (const _ of body) failed.promise.catch(() => undefined);
        } catch (thrown) {
          failed.resolve(thrown);
        }
        return empty();
      },
    },
  });
  await using connection = await harness.raw();
  connection.send("POST /images/load HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nhello");
  await Bun.sleep(50);
  connection.destroy();
  expect(await failed.promise).toMatchObject({ code: "cancelled" });
});

test("logs: bad parameters, content type by version, an error in the middle in a frame", async () => {
  await using harness = await startHarness({
    containers: {
      logs: async (ref) => ({
        tty: ref === "tty",
        chunks: (async function* () {
          yield { stream: "stdout", data: Buffer.from("line\n") } as const;
          if (ref === "bad") throw new HoyError("internal", "disk gone");
        })(),
      }),
    },
  });
  expect(await messageOf(harness, "GET", "/containers/x/logs")).toEqual([
    400,
    "Bad parameters: you must choose at least one stream",
  ]);
  expect((await messageOf(harness, "GET", "/containers/x/logs?stdout=1&since=yesterday"))[0]).toBe(400);
  const type = async (target: string) => (await harness.ask("GET", target)).headers.get("content-type");
  expect(await type("/v1.42/containers/x/logs?stdout=1")).toBe("application/vnd.docker.multiplexed-stream");
  expect(await type("/v1.41/containers/x/logs?stdout=1")).toBe("application/vnd.docker.raw-stream");
  expect(await type("/v1.51/containers/tty/logs?stdout=1")).toBe("application/vnd.docker.raw-stream");
  expect((await harness.ask("GET", "/containers/tty/logs?stdout=1")).text).toBe("line\n");
  const bad = (await harness.ask("GET", "/containers/bad/logs?stdout=1")).text;
  expect(bad).toEndWith("Error grabbing logs: disk gone\n");
  expect(bad.charCodeAt("line\n".length + 8)).toBe(3);
});

test("closing waits for what is under way, not for streams without end", async () => {
  const { promise, resolve } = Promise.withResolvers<never[]>();
  await using harness = await startHarness({
    containers: { list: () => promise, wait: async () => ({ result: new Promise(() => undefined) }) },
  });
  await using waiting = await harness.raw();
  waiting.send("POST /containers/x/wait HTTP/1.1\r\nHost: t\r\n\r\n");
  await waiting.until("200 OK");
  const listing = harness.ask("GET", "/containers/json");
  await Bun.sleep(50);
  const closing = harness.server.close(60_000);
  await waiting.all();
  await expect(harness.raw()).rejects.toThrow();
  resolve([]);
  expect((await listing).json).toEqual([]);
  await closing;
});
