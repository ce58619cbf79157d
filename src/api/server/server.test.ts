// Requests to the server as bytes, over a fake backend: what every route shares.

import { expect, test } from "bun:test";
import { HoyError } from "../../base/error.ts";
import { frame } from "../stdcopy.ts";
import { EchoProcess } from "../testing/fake.ts";
import { type Harness, parseAnswer, startHarness } from "../testing/harness.ts";

const list = { containers: { list: async () => [] } };

const messageOf = async (harness: Harness, method: string, target: string, body?: string) => {
  const json = { "Content-Type": "application/json" };
  const answer = await harness.ask(method, target, body === undefined ? {} : { body, headers: json });
  return [answer.status, (answer.json as { message: string }).message] as const;
};

test("every answer tells the API version and the OS, with and without a version in the path", async () => {
  await using harness = await startHarness(list);
  for (const prefix of ["", "/v1.24", "/v1.44", "/v1.51"]) {
    const answer = await harness.ask("GET", `${prefix}/containers/json`);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe("[]\n");
    expect(answer.headers.get("api-version")).toBe("1.51");
    expect(answer.headers.get("ostype")).toBe("linux");
    expect(answer.headers.get("docker-experimental")).toBe("false");
    expect(answer.headers.get("server")).toBe("hoy/0.0.0-test (linux)");
    expect(answer.headers.get("content-type")).toBe("application/json");
  }
});

test("versions outside of what is spoken are refused in Docker's words", async () => {
  await using harness = await startHarness(list);
  expect(await messageOf(harness, "GET", "/v1.99/containers/json")).toEqual([
    400,
    "client version 1.99 is too new. Maximum supported API version is 1.51",
  ]);
  expect(await messageOf(harness, "GET", "/v1.23/containers/json")).toEqual([
    400,
    "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
  ]);
  expect((await messageOf(harness, "GET", "/v1...2/containers/json"))[0]).toBe(400);
});

test("unknown paths and methods are page not found", async () => {
  await using harness = await startHarness(list);
  for (const [method, path] of [
    ["GET", "/nope"],
    ["PUT", "/containers/json"],
    ["GET", "/containers/../../etc/passwd"],
    ["GET", "//containers/json"],
  ] as const) {
    expect(await messageOf(harness, method, path)).toEqual([404, "page not found"]);
  }
  expect((await messageOf(harness, "GET", "/containers/%zz/json"))[0]).toBe(400);
  expect((await messageOf(harness, "GET", "/containers/a%00b/json"))[0]).toBe(400);
});

test("ping has its headers, and HEAD no body", async () => {
  await using harness = await startHarness({});
  const get = await harness.ask("GET", "/_ping");
  expect([get.status, get.text]).toEqual([200, "OK"]);
  expect(get.headers.get("builder-version")).toBe("1");
  expect(get.headers.get("swarm")).toBe("inactive");
  expect(get.headers.get("cache-control")).toBe("no-cache, no-store, must-revalidate");
  const head = await harness.ask("HEAD", "/v1.51/_ping");
  expect([head.status, head.text]).toEqual([200, ""]);
});

test("errors have their status, and their hint behind the message", async () => {
  const errors: Record<string, Error> = {
    a: new HoyError("not-found", "No such container: a"),
    b: new HoyError("conflict", "in use", { hint: "stop it first" }),
    c: new Error("a bug"),
  };
  await using harness = await startHarness({
    containers: {
      start: async () => {
        throw new HoyError("not-modified", "runs already");
      },
      inspect: async (ref) => {
        throw errors[ref] ?? new Error("?");
      },
    },
  });
  expect(await messageOf(harness, "GET", "/containers/a/json")).toEqual([404, "No such container: a"]);
  expect(await messageOf(harness, "GET", "/containers/b/json")).toEqual([409, "in use (stop it first)"]);
  expect(await messageOf(harness, "GET", "/containers/c/json")).toEqual([500, "a bug"]);
  expect(harness.log.lines.some((line) => line.startsWith("error a bug"))).toBe(true);
  const same = await harness.ask("POST", "/containers/a/start");
  expect([same.status, same.text]).toEqual([304, ""]);
});

test("JSON bodies: type, syntax, emptiness, size", async () => {
  await using harness = await startHarness(
    { containers: { create: async () => ({ Id: "x", Warnings: [] }) } },
    { jsonBytes: 1000 },
  );
  const create = (body: string) => messageOf(harness, "POST", "/containers/create", body);
  expect(await create('{"Image":3}')).toEqual([
    400,
    "invalid JSON: json: cannot unmarshal number into Go struct field ContainerConfigWrapper.Image of type string",
  ]);
  expect((await create("{"))[1]).toStartWith("invalid JSON: ");
  expect(await create("{}")).toEqual([400, "config cannot be empty in order to create a container"]);
  expect(await create(JSON.stringify({ Image: "x".repeat(1000) }))).toEqual([
    413,
    "the request body is larger than 1000 bytes",
  ]);
  expect((await create(`${"[".repeat(300)}${"]".repeat(300)}`))[0]).toBe(400);
  const other = await harness.ask("POST", "/containers/create", {
    body: "{}",
    headers: { "Content-Type": "text/plain" },
  });
  expect(other.json).toEqual({
    message: "unsupported Content-Type header (text/plain): must be 'application/json'",
  });
  const none = await harness.ask("POST", "/containers/create", { body: "{}" });
  expect(none.json).toEqual({ message: "malformed Content-Type header (): mime: no media type" });
  const empty = await harness.ask("POST", "/containers/create");
  expect(empty.json).toEqual({ message: "invalid JSON: got EOF while reading request body" });
});

test("parameters are read as Docker reads them", async () => {
  const seen: unknown[] = [];
  await using harness = await startHarness({
    containers: {
      list: async (options) => {
        seen.push([options.all, options.limit, options.size, [...(options.filters.get("status") ?? [])]]);
        return [];
      },
    },
  });
  await harness.ask("GET", "/containers/json?all=0&limit=3&size=yes&filters=%7B%22status%22%3A%5B%22running%22%5D%7D");
  await harness.ask(
    "GET",
    "/containers/json?all=1&limit=-1&size=None&filters=%7B%22status%22%3A%7B%22dead%22%3Atrue%7D%7D",
  );
  expect(seen).toEqual([
    [false, 3, true, ["running"]],
    [true, undefined, false, ["dead"]],
  ]);
  expect((await messageOf(harness, "GET", "/containers/json?limit=x"))[0]).toBe(400);
  expect(await messageOf(harness, "GET", "/containers/json?filters=%5B%5D")).toEqual([400, "invalid filter"]);
});

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

test("keep-alive: requests one after the other, and sent all at once", async () => {
  await using harness = await startHarness(list);
  await using connection = await harness.raw();
  connection.send("GET /containers/json HTTP/1.1\r\nHost: t\r\n\r\nGET /_ping HTTP/1.1\r\nHost: t\r\n\r\n");
  await connection.until("OK");
  connection.send("GET /containers/json HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  expect((await connection.all()).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
});

test("swarm, plugins, builds and checkpoints are known, and say what they are not", async () => {
  await using harness = await startHarness({});
  for (const path of ["/swarm", "/nodes", "/services", "/tasks", "/secrets", "/configs", "/services/x/logs"]) {
    const [status, message] = await messageOf(harness, "GET", path);
    expect(status).toBe(503);
    expect(message).toBe(
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  }
  expect((await messageOf(harness, "POST", "/swarm/init", "{}"))[0]).toBe(501);
  expect(await messageOf(harness, "POST", "/swarm/leave")).toEqual([503, "This node is not part of a swarm"]);
  expect((await harness.ask("GET", "/plugins")).json).toEqual([]);
  expect(await messageOf(harness, "GET", "/plugins/a/b:c/json")).toEqual([404, 'plugin "a/b:c" not found']);
  for (const path of ["/build", "/session", "/grpc", "/containers/x/checkpoints"]) {
    expect((await messageOf(harness, "POST", path))[0]).toBe(501);
  }
});
