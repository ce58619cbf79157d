import { afterAll, expect, test } from "bun:test";
import net from "node:net";
import { HostPorts } from "./host-ports.ts";
import { parseContainerPort, portWishes } from "./request.ts";

const ports = new HostPorts();
const opened: string[] = [];
afterAll(() => {
  for (const id of opened) ports.release(id, []);
});

function claim(name: string, wishes: Parameters<HostPorts["claim"]>[1], address = "127.0.0.1") {
  opened.push(name);
  return ports.claim({ id: name, name }, wishes, address);
}

test.each(["", "x", "0/tcp", "65536", "80/icmp", "80/tcp/udp", "-1"])("not a port: %p", (text) => {
  expect(() => parseContainerPort(text)).toThrow("invalid port specification");
});

test("bindings become wishes; -P adds what is exposed and not bound", () => {
  const config = {
    PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080-8090" }, {}] },
    PublishAllPorts: true,
  };
  expect(portWishes(config, ["80/tcp", "53/udp"], "")).toEqual([
    { protocol: "tcp", containerPort: 80, hostIp: "127.0.0.1", first: 8080, last: 8090 },
    { protocol: "tcp", containerPort: 80, hostIp: "", first: 0, last: 0 },
    { protocol: "udp", containerPort: 53, hostIp: "", first: 0, last: 0 },
  ]);
  expect(() => portWishes({ PortBindings: { "80/tcp": [{ HostPort: "90-80" }] } }, [], "")).toThrow(
    "invalid port specification",
  );
  expect(() => portWishes({ PortBindings: { "80/tcp": [{ HostIp: "nowhere" }] } }, [], "")).toThrow(
    "invalid IP address",
  );
});

test("an ephemeral port is one number on all addresses, and carries a connection to ::1", async () => {
  const server = net.createServer((socket) => socket.end("from the container"));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  const address = server.address();
  const target = typeof address === "object" && address !== null ? address.port : 0;
  const published = await claim("a", [{ protocol: "tcp", containerPort: target, hostIp: "", first: 0, last: 0 }]);
  expect(new Set(published.map((port) => port.hostPort)).size).toBe(1);
  const last = published.at(-1);
  const said = await new Promise<string>((resolve, reject) => {
    const socket = net.connect(last?.hostPort ?? 0, last?.hostIp === "::" ? "::1" : "127.0.0.1");
    socket.on("data", (data) => resolve(data.toString())).on("error", reject);
  });
  expect(said).toBe("from the container");
  server.close();
});

test("a port that another container has: who it is, and nothing of ours stays bound", async () => {
  const [first] = await claim("web", [{ protocol: "tcp", containerPort: 80, hostIp: "127.0.0.1", first: 0, last: 0 }]);
  const taken = first?.hostPort ?? 0;
  const wishes = [
    { protocol: "tcp" as const, containerPort: 81, hostIp: "127.0.0.2", first: taken, last: taken },
    { protocol: "tcp" as const, containerPort: 80, hostIp: "127.0.0.1", first: taken, last: taken },
  ];
  await expect(claim("other", wishes)).rejects.toThrow(
    `Bind for 127.0.0.1:${taken} failed: port is already allocated by container web`,
  );
  const again = await claim("third", [
    { protocol: "tcp", containerPort: 81, hostIp: "127.0.0.2", first: taken, last: taken },
  ]);
  expect(again).toHaveLength(1);
});

test("a port that a program has: its name and pid", async () => {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await expect(
    claim("b", [{ protocol: "tcp", containerPort: 80, hostIp: "127.0.0.1", first: port, last: port }]),
  ).rejects.toThrow(`(pid ${process.pid})`);
  const [next] = await claim("c", [
    { protocol: "tcp", containerPort: 80, hostIp: "127.0.0.1", first: port, last: port + 20 },
  ]);
  expect(next?.hostPort).toBeGreaterThan(port);
  server.close();
});

test("an address that the host does not have", async () => {
  await expect(
    claim("d", [{ protocol: "udp", containerPort: 80, hostIp: "203.0.113.77", first: 9, last: 9 }]),
  ).rejects.toThrow("cannot assign requested address");
});
