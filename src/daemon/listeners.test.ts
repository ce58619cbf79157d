import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeConfig } from "./config.ts";
import { parseFlags } from "./flags.ts";
import { listenersOf } from "./listeners.ts";
import { daemonSettings } from "./settings.ts";

const folder = mkdtempSync(join(tmpdir(), "hoy-listen-"));
afterAll(() => rmSync(folder, { recursive: true }));
for (const name of ["ca", "cert", "key"]) writeFileSync(join(folder, `${name}.pem`), name, { mode: 0o600 });

const listeners = (...args: string[]) =>
  listenersOf(daemonSettings(mergeConfig(parseFlags(["--group=", ...args], "x"), new Map(), "")), []);
const files = ["ca", "cert", "key"].map((name) => `--tls${name === "ca" ? "cacert" : name}=${join(folder, name)}.pem`);

test("TCP without TLS is refused until --tls=false is said", () => {
  expect(() => listeners("-H", "tcp://127.0.0.1")).toThrow("TCP is opened only with TLS");
  expect(listeners("-H", "tcp://127.0.0.1", "--tls=false")).toEqual([
    { kind: "tcp", host: "127.0.0.1", port: 2375, tls: false },
  ]);
});

test("TLS: the port's default is 2376; --tlsverify demands a client certificate", () => {
  const [verified] = listeners("-H", "tcp://1.2.3.4", "--tlsverify", ...files);
  expect(verified).toMatchObject({ kind: "tcp", host: "1.2.3.4", port: 2376 });
  expect(verified?.kind === "tcp" && verified.tls && String(verified.tls.clientCa)).toBe("ca");
  const [plain] = listeners("-H", "tcp://1.2.3.4:99", "--tls", ...files);
  expect(plain?.kind === "tcp" && plain.tls && plain.tls.clientCa).toBeUndefined();
});

test("an absent certificate is an error that names it", () => {
  expect(() => listeners("-H", "tcp://x", "--tls", `--tlscert=${folder}/none.pem`)).toThrow(`${folder}/none.pem`);
});

test("unix sockets need none of it; fd:// needs sockets", () => {
  expect(listeners("-H", "unix:///x")).toEqual([{ kind: "unix", path: "/x", gid: 0 }]);
  expect(() => listeners("-H", "fd://")).toThrow("no sockets were passed");
});
