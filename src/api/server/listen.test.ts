// The doors themselves: rights of the socket, a second daemon, TLS with client certificates, passed sockets, HTTP/2.

import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as http2 from "node:http2";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../client/client.ts";
import { parseEndpoint, type TlsMaterial } from "../client/endpoint.ts";
import { makeCertificates } from "../testing/certificates.ts";
import { EchoProcess, fakeBackend, memoryLog } from "../testing/fake.ts";
import { connectRaw, startHarness } from "../testing/harness.ts";
import { createApiServer } from "./server.ts";

const list = { containers: { list: async () => [], attach: async () => new EchoProcess(false) } };
const newServer = () =>
  createApiServer({ backend: fakeBackend(list), log: memoryLog(), productVersion: "0", limits: { headTimeout: 2000 } });

test("the unix socket has mode 0660 and its group, and nothing is left beside it", async () => {
  await using harness = await startHarness(list);
  expect(statSync(harness.path).mode & 0o777).toBe(0o660);
  const other = join(harness.folder, "group.sock");
  const listening = await harness.server.listen({ kind: "unix", path: other, gid: 65534 });
  if (process.getuid?.() === 0) expect(statSync(other).gid).toBe(65534);
  expect(listening.address).toBe(`unix://${other}`);
  expect(readdirSync(harness.folder).sort()).toEqual(["api.sock", "group.sock"]);
  listening.close();
  expect(existsSync(other)).toBe(false);
});

test("a live daemon's socket is not taken, a dead one's is, a file is never", async () => {
  await using harness = await startHarness(list);
  const second = newServer();
  await expect(second.listen({ kind: "unix", path: harness.path, gid: -1 })).rejects.toThrow(
    "another daemon is listening",
  );
  const dead = join(harness.folder, "dead.sock");
  const script = `require("net").createServer().listen(${JSON.stringify(dead)},()=>process.kill(process.pid,9))`;
  await new Promise((resolve) => spawn("node", ["-e", script]).once("close", resolve));
  expect(statSync(dead).isSocket()).toBe(true);
  await second.listen({ kind: "unix", path: dead, gid: -1 });
  const file = join(harness.folder, "file");
  writeFileSync(file, "precious");
  await expect(second.listen({ kind: "unix", path: file, gid: -1 })).rejects.toThrow("is not a socket");
  expect(readFileSync(file, "utf8")).toBe("precious");
  await second.close();
});

test("a plain TCP port answers clients and refuses browsers", async () => {
  const server = newServer();
  const { address } = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0, tls: false });
  const port = Number(address.split(":").pop());
  const ask = async (header: string) => {
    await using connection = await connectRaw({ host: "127.0.0.1", port });
    connection.send(`GET /containers/json HTTP/1.1\r\nHost: evil.example\r\n${header}Connection: close\r\n\r\n`);
    return (await connection.all()).split("\r\n")[0];
  };
  expect(await ask("")).toBe("HTTP/1.1 200 OK");
  for (const header of [
    "Origin: http://evil.example\r\n",
    "Referer: http://evil.example/\r\n",
    "Sec-Fetch-Site: same-origin\r\n",
    "User-Agent: Mozilla/5.0\r\n",
  ]) {
    expect(await ask(header)).toBe("HTTP/1.1 403 Forbidden");
  }
  await server.close();
});

test("a listening socket that was passed as a file descriptor is served", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hoy-fd-"));
  const path = join(folder, "s");
  // What systemd does: open and listen, then start the daemon with the socket as fd 3.
  const starter = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(8)
os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
os.execvp(sys.argv[2], sys.argv[2:])`;
  const program = `
import { createApiServer } from ${JSON.stringify(join(import.meta.dir, "server.ts"))};
import { fakeBackend, memoryLog } from ${JSON.stringify(join(import.meta.dir, "../testing/fake.ts"))};
const backend = fakeBackend({ containers: { list: async () => [] } });
const server = createApiServer({ backend, log: memoryLog(), productVersion: "0" });
const listening = await server.listen({ kind: "fd", fd: 3, tls: false, remote: false });
console.log(listening.address);`;
  const file = join(folder, "daemon.ts");
  writeFileSync(file, program);
  const child = spawn("python3", ["-c", starter, path, process.execPath, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const said = await new Promise((resolve) => child.stdout.once("data", (data) => resolve(String(data).trim())));
    expect(said).toBe("fd://3");
    expect(await new ApiClient({ kind: "unix", path, text: path }).containers.list()).toEqual([]);
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("HTTP/2 with prior knowledge: gRPC gets UNIMPLEMENTED, others a word", async () => {
  await using harness = await startHarness(list);
  const session = http2.connect("http://test", { createConnection: () => net.connect(harness.path) as never });
  const ask = (headers: http2.OutgoingHttpHeaders) =>
    new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
      const stream = session.request(headers);
      stream.on("response", (answer: http2.IncomingHttpHeaders) => resolve(answer));
      stream.on("error", reject);
      stream.resume();
      stream.end();
    });
  const grpc = await ask({
    ":method": "POST",
    ":path": "/moby.buildkit.v1.Control/Info",
    "content-type": "application/grpc",
  });
  expect(grpc["grpc-status"]).toBe("12");
  expect(Number((await ask({ ":path": "/containers/json" }))[":status"])).toBe(501);
  session.destroy();
});

test("TLS: the server is checked, a client without a certificate is refused, streams half-close", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hoy-tls-"));
  const file = (name: string) => readFileSync(join(folder, name), "utf8");
  makeCertificates(folder);
  const server = newServer();
  const { address } = await server.listen({
    kind: "tcp",
    host: "127.0.0.1",
    port: 0,
    tls: { cert: file("server.pem"), key: file("server-key.pem"), clientCa: file("ca.pem") },
  });
  const good: TlsMaterial = { ca: file("ca.pem"), cert: file("client.pem"), key: file("client-key.pem"), verify: true };
  const list = (tls: TlsMaterial | undefined) => new ApiClient(parseEndpoint(address, tls)).containers.list();
  try {
    expect(await list(good)).toEqual([]);
    await expect(list({ ...good, cert: undefined, key: undefined })).rejects.toThrow();
    await expect(list({ ...good, cert: file("stranger.pem"), key: file("stranger-key.pem") })).rejects.toThrow();
    await expect(list({ ...good, ca: file("stranger-ca.pem") })).rejects.toThrow();
    await expect(list(undefined)).rejects.toThrow();
    const client = new ApiClient(parseEndpoint(address, good));
    const stream = await client.containers.attach("x", { stdin: true, stdout: true, stream: true, tty: false });
    await stream.write(Buffer.from("over tls"));
    stream.closeWrite();
    let text = "";
    for await (const { data } of stream.output) text += Buffer.from(data).toString();
    stream.close();
    expect(text).toBe("over tlsbye\n");
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
