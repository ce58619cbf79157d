// What may stand at the other end of a connection: nothing, something that speaks no HTTP, garbage, an ssh.

import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { EchoProcess } from "../testing/fake.ts";
import { startHarness } from "../testing/harness.ts";
import { scripted } from "../testing/scripted.ts";
import { ApiClient } from "./client.ts";
import { parseEndpoint } from "./endpoint.ts";

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
  await expect(endless.client().containers.list()).rejects.toThrow("too large a head");
  using chunk = await scripted((_, socket) =>
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
  );
  await expect(chunk.client().containers.list()).rejects.toThrow("bad chunk");
});

test("whatever answers, the client ends: random bytes, mangled heads, cut bodies", async () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % below;
  };
  const good =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n2\r\n[]\r\n0\r\n\r\n";
  using engine = await scripted((_, socket) => {
    const bytes = Buffer.from(good);
    for (let i = 0; i <= random(4); i++) bytes[random(bytes.length)] = random(256);
    socket.end(bytes.subarray(0, random(2) === 0 ? random(bytes.length) : bytes.length));
  });
  for (let round = 0; round < 100; round++) {
    const outcome = await engine
      .client()
      .containers.list()
      .then(
        () => "read",
        (thrown: unknown) => thrown,
      );
    if (outcome !== "read") expect(outcome).toBeInstanceOf(HoyError);
  }
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
