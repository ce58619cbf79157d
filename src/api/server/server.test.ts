// Requests to the server as bytes, over a fake backend: what every route shares.

import { expect, test } from "bun:test";
import { HoyError } from "../../base/error.ts";
import { messageOf, startHarness } from "../testing/harness.ts";

const list = { containers: { list: async () => [] } };

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
  for (const path of ["/swarm/init", "/swarm/join"]) {
    const [status, message] = await messageOf(harness, "POST", path, "{}");
    expect(status).toBe(503);
    expect(message).toStartWith("This node is not a swarm manager");
  }
  expect(await messageOf(harness, "POST", "/swarm/leave")).toEqual([503, "This node is not part of a swarm"]);
  expect((await harness.ask("GET", "/plugins")).json).toEqual([]);
  expect(await messageOf(harness, "POST", "/plugins/pull?remote=a/b", "[]")).toEqual([
    503,
    "this engine takes no plugins",
  ]);
  expect(await messageOf(harness, "GET", "/plugins/a/b:c/json")).toEqual([404, 'plugin "a/b:c" not found']);
  for (const path of ["/build", "/session", "/grpc", "/containers/x/checkpoints"]) {
    expect((await messageOf(harness, "POST", path))[0]).toBe(501);
  }
});
