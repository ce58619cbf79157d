import { expect, test } from "bun:test";
import { parseHost } from "./hosts.ts";

test("unix sockets", () => {
  expect(parseHost("unix:///x/y.sock")).toEqual({ kind: "unix", text: "unix:///x/y.sock", path: "/x/y.sock" });
  expect(parseHost("unix://").text).toBe("unix:///run/hoy/hoy.sock");
  expect(parseHost("/x.sock").text).toBe("unix:///x.sock");
});

test("tcp: an empty address is this host alone, the port may be absent", () => {
  expect(parseHost("tcp://0.0.0.0:2376")).toMatchObject({ address: "0.0.0.0", port: 2376 });
  expect(parseHost("tcp://:2375")).toMatchObject({ address: "127.0.0.1", port: 2375 });
  expect(parseHost("tcp://")).toMatchObject({ address: "127.0.0.1", port: undefined });
  expect(parseHost("tcp://[::1]:5000")).toMatchObject({ address: "::1", port: 5000 });
  expect(parseHost("tcp://host.example")).toMatchObject({ address: "host.example", port: undefined });
});

test("systemd's sockets", () => {
  expect(parseHost("fd://")).toMatchObject({ kind: "fd", name: undefined });
  expect(parseHost("fd://*")).toMatchObject({ name: undefined });
  expect(parseHost("fd://hoy.socket")).toMatchObject({ name: "hoy.socket" });
});

test.each([
  "unix://relative",
  `unix:///${"x".repeat(120)}`,
  "tcp://[nine]:1",
  "tcp://a:99999",
  "tcp://a:b",
  "tcp://a/b",
  "npipe:////./pipe/docker",
  "http://x",
  "",
])("%s is refused", (text) => {
  expect(() => parseHost(text)).toThrow(/^invalid -H/);
});
