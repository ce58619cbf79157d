// The client against our own server, and against engines that behave differently: older ones, broken ones, none.

import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { EchoProcess } from "../testing/fake.ts";
import { startHarness } from "../testing/harness.ts";
import { ApiClient } from "./client.ts";
import { parseEndpoint } from "./endpoint.ts";
import { DaemonError } from "./errors.ts";

/** A server that answers by a script: each request's head in, bytes out. */
async function scripted(answer: (head: string, socket: net.Socket, nth: number) => void) {
  const folder = mkdtempSync(join(tmpdir(), "hoy-client-"));
  const path = join(folder, "s");
  const heads: string[] = [];
  let connections = 0;
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    connections += 1;
    socket.on("error", () => socket.destroy());
    let got = "";
    socket.on("data", (data) => {
      got += data.toString("latin1");
      for (let end = got.indexOf("\r\n\r\n"); end >= 0; end = got.indexOf("\r\n\r\n")) {
        const head = got.slice(0, end);
        got = got.slice(end + 4);
        heads.push(head);
        answer(head, socket, heads.length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = (version?: string) =>
    new ApiClient(parseEndpoint(`unix://${path}`), version === undefined ? {} : { version });
  return {
    client,
    heads,
    get connections() {
      return connections;
    },
    [Symbol.dispose]() {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const json = (value: unknown, status = "200 OK", more = "") => {
  const body = JSON.stringify(value);
  return `HTTP/1.1 ${status}\r\n${more}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

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

test("no engine, no right to it, no HTTP behind it", async () => {
  const at = (host: string) => new ApiClient(parseEndpoint(host)).containers.list();
  await expect(at("unix:///nowhere/at/all.sock")).rejects.toThrow(
    /^Cannot connect to the Docker daemon at unix:\/\/\/nowhere\/at\/all.sock. Is the docker daemon running\?$/,
  );
  await expect(at("tcp://127.0.0.1:1")).rejects.toThrow("Is the docker daemon running?");
  using babble = await scripted((_, socket) => socket.write("220 mail.example ESMTP\r\n"));
  await expect(babble.client().containers.list()).rejects.toThrow("does not speak HTTP");
  using silent = await scripted((_, socket) => socket.end());
  await expect(silent.client().containers.list()).rejects.toThrow("unexpected EOF");
  using cut = await scripted((_, socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]"));
  await expect(cut.client().containers.list()).rejects.toThrow("unexpected EOF");
});

test("hostile answers are bounded", async () => {
  using endless = await scripted((_, socket) => {
    socket.on("close", () => clearInterval(timer));
    const timer = setInterval(() => socket.write("X: ".padEnd(60_000, "x")), 1);
    socket.write("HTTP/1.1 200 OK\r\n");
  });
  await expect(endless.client().containers.list()).rejects.toThrow("too long a line");
  using chunk = await scripted((_, socket) =>
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
  );
  await expect(chunk.client().containers.list()).rejects.toThrow("bad chunk");
});

test("bodies come whole however they are cut: chunks, lengths, and until the end", async () => {
  const pieces = [
    "HTTP/1.1 200 O",
    "K\r\nTransfer-Enc",
    "oding: chunked\r\n\r",
    "\n2\r\n[",
    '1\r\n3\r\n,"',
    "a\r\n2;x=y\r\n",
    '"]\r\n0\r\nT: x\r\n',
    "\r\n",
  ];
  using engine = await scripted(async (_, socket) => {
    for (const piece of pieces) {
      socket.write(piece);
      await Bun.sleep(2);
    }
  });
  const client = engine.client();
  expect(await client.containers.list()).toEqual([1, "a"] as never);
  expect(await client.containers.list()).toEqual([1, "a"] as never);
  expect(engine.connections).toBe(1);
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

test("over ssh: a child's stdin and stdout are the wire", async () => {
  await using harness = await startHarness({
    containers: { list: async () => [], attach: async () => new EchoProcess(false) },
  });
  const ssh = join(harness.folder, "ssh");
  // A stand-in that does what the far side's `system dial-stdio` does.
  writeFileSync(
    ssh,
    `#!/bin/sh
exec python3 -c '
import socket, sys, threading, os
s = socket.socket(socket.AF_UNIX); s.connect("${harness.path}")
def up():
    while True:
        d = os.read(0, 65536)
        if not d: break
        s.sendall(d)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while True:
    d = s.recv(65536)
    if not d: break
    os.write(1, d)
'
`,
  );
  chmodSync(ssh, 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${harness.folder}:${path}`;
  try {
    const client = new ApiClient(parseEndpoint("ssh://me@far"));
    expect(await client.containers.list()).toEqual([]);
    const stream = await client.containers.attach("x", { stdin: true, stdout: true, stream: true, tty: false });
    await stream.write(Buffer.from("over ssh "));
    stream.closeWrite();
    const got = await Array.fromAsync(stream.output);
    expect(got.map(({ data }) => Buffer.from(data).toString()).join("")).toBe("over ssh bye\n");
    client[Symbol.dispose]();
    writeFileSync(ssh, "#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 255\n");
    await expect(new ApiClient(parseEndpoint("ssh://me@far")).containers.list()).rejects.toThrow(
      /has exited with 255.*Permission denied/,
    );
  } finally {
    process.env.PATH = path;
  }
});
