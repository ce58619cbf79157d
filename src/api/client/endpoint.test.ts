import { expect, test } from "bun:test";
import { parseEndpoint } from "./endpoint.ts";
import { sshCommand } from "./process-wire.ts";

test("unix, tcp and ssh addresses", () => {
  expect(parseEndpoint("unix:///run/hoy/hoy.sock")).toMatchObject({ kind: "unix", path: "/run/hoy/hoy.sock" });
  expect(parseEndpoint("tcp://10.0.0.1:2375")).toMatchObject({ kind: "tcp", host: "10.0.0.1", port: 2375 });
  expect(parseEndpoint("tcp://box")).toMatchObject({ port: 2375 });
  expect(parseEndpoint("tcp://box:80")).toMatchObject({ port: 80 });
  const tls = { ca: undefined, cert: undefined, key: undefined, verify: true };
  expect(parseEndpoint("tcp://box", tls)).toMatchObject({ port: 2376, tls });
  expect(parseEndpoint("tcp://[::1]:99")).toMatchObject({ host: "::1", port: 99 });
  expect(parseEndpoint("box:1234")).toMatchObject({ kind: "tcp", host: "box", port: 1234 });
  expect(parseEndpoint("ssh://me@far:2222/run/x.sock")).toMatchObject({
    kind: "ssh",
    user: "me",
    host: "far",
    port: 2222,
    path: "/run/x.sock",
  });
});

test("what can't be an address is refused", () => {
  for (const bad of [
    "",
    "unix://",
    "ftp://x",
    "tcp://x:99999",
    "tcp://x/path",
    "npipe:////./pipe/d",
    "fd://",
    "ssh://",
    "tcp://a b",
  ]) {
    expect(() => parseEndpoint(bad)).toThrow();
  }
  expect(() => parseEndpoint("ssh://me:secret@far")).toThrow("plain-text password is not supported");
  expect(() => parseEndpoint("ssh://-oProxyCommand=x")).toThrow("unable to parse docker host");
  expect(() => parseEndpoint("ssh://-l@far")).toThrow("unable to parse docker host");
});

test("the ssh command gives names after --, and quotes what the far shell reads", () => {
  const endpoint = parseEndpoint("ssh://me@far:22/run/o'clock.sock");
  if (endpoint.kind !== "ssh") throw new Error("not ssh");
  const argv = sshCommand(endpoint);
  expect(argv.slice(0, 10)).toEqual(["ssh", "-o", "ConnectTimeout=30", "-T", "-l", "me", "-p", "22", "--", "far"]);
  const said = Bun.spawnSync(["sh", "-c", `sh() { printf '%s' "$2"; }; ${argv[10]}`]).stdout.toString();
  expect(said).toContain("exec hoy --host 'unix:///run/o'\\''clock.sock' system dial-stdio");
});
