// The registry as people run it: `hoy registry serve` with users, pushed to and pulled from through an engine by docker
// and hoy, and by skopeo where it is installed.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { command, type Running, start } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const HOY = resolve(import.meta.dir, "../../dist/hoy");
const PASSWORD = "correct horse";

// Ended before the daemon, whose network it is in.
afterAll(async () => {
  server?.kill("SIGTERM");
  expect(await server?.exited).toBe(0);
});

const daemon = await testDaemon();
let server: Running | undefined;
let address = "";

beforeAll(async () => {
  await serve("127.0.0.1:0");
  await registry("user", "add", "--password-stdin", "alice");
  await registry("grant", "everybody", "public/*", "read");
  await registry("grant", "alice", "public/*", "write");
}, 60_000);

const root = () => join(daemon.root, "registry");

async function serve(listen: string): Promise<void> {
  const started = start([...daemon.inside, HOY, "registry", "serve", "--users", "--listen", listen, "--root", root()]);
  address = /http:\/\/(\S+),/.exec(await started.until(/registry on .*\n/))?.[1] ?? "";
  server = started;
}

/** A registry command that must succeed; the password is on its standard input for those that want one. */
async function registry(...words: string[]): Promise<string> {
  const group = ["user", "org", "robot", "token", "repo", "quota", "immutable", "retention"].includes(words[0] ?? "")
    ? 2
    : 1;
  const argv = [HOY, "registry", ...words.slice(0, group), "--root", root(), ...words.slice(group)];
  const { code, stdout, stderr } = await command(argv, { input: `${PASSWORD}\n` });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

test("what is pushed comes back the same, and only to whom it may", async () => {
  for (const client of daemon.clients) {
    const name = `${address}/alice/${client.program}:v1`;
    expect((await client("tag", "busybox", name)).code).toBe(0);
    await client("logout", address);
    const refused = await client("push", name);
    expect(refused.code).toBe(1);
    const signedIn = await client.with({ input: PASSWORD }, "login", "-u", "alice", "--password-stdin", address);
    expect(signedIn.stdout).toContain("Login Succeeded");
    const pushed = await client("push", name);
    expect({ code: pushed.code, stderr: pushed.stderr }).toEqual({ code: 0, stderr: "" });
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(pushed.stdout)?.[1] ?? "no digest";
    expect((await client("rmi", name)).code).toBe(0);
    const pulled = await client("pull", name);
    expect({ code: pulled.code, stderr: pulled.stderr }).toEqual({ code: 0, stderr: "" });
    expect(pulled.stdout).toContain(digest);
    const ran = await client("run", "--rm", "--network=none", name, "echo", "it runs");
    expect(ran.stdout).toBe("it runs\n");
    await client("logout", address);
    await client("rmi", name);
    expect((await client("pull", name)).code).toBe(1);
  }
  expect((await registry("repo", "ls")).split("\n")).toContain("alice/hoy");
}, 60_000);

test("a wrong password is no way in", async () => {
  const { code, stderr } = await daemon.hoy.with(
    { input: "wrong" },
    "login",
    "-u",
    "alice",
    "--password-stdin",
    address,
  );
  expect(code).toBe(1);
  expect(stderr).toContain("unauthorized");
}, 30_000);

test("public images are pulled by anybody, after the server was killed as well", async () => {
  const name = `${address}/public/app:v1`;
  const { hoy } = daemon;
  await hoy("tag", "busybox", name);
  await hoy.with({ input: PASSWORD }, "login", "-u", "alice", "--password-stdin", address);
  expect((await hoy("push", name)).code).toBe(0);
  await hoy("logout", address);
  await hoy("rmi", name);
  server?.kill("SIGKILL");
  await server?.exited;
  await serve(address);
  expect((await hoy("pull", name)).code).toBe(0);
  expect((await hoy("push", name)).code).toBe(1);
}, 60_000);

test("a folder in use is not collected by another process, and a token opens what it says", async () => {
  const busy = await command([HOY, "registry", "gc", "--root", root()]);
  expect([busy.code, busy.stderr]).toEqual([1, `another process uses the registry in ${root()}\n`]);
  const token = await registry("token", "create", "alice", "repository:alice/x:pull,push");
  const curl = (repository: string) =>
    command([
      ...daemon.inside,
      ...["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-H", `Authorization: Bearer ${token}`],
      `http://${address}/v2/${repository}/blobs/uploads/`,
    ]);
  expect((await curl("alice/x")).stdout).toBe("202");
  expect((await curl("alice/y")).stdout).toBe("403");
  const [, id] = /^hoyt_([0-9a-f]{16})_/.exec(token) ?? [];
  expect(await registry("token", "ls", "alice")).toContain("alice/x:pull,push");
  await registry("token", "rm", id ?? "");
  expect((await curl("alice/x")).stdout).toBe("401");
}, 30_000);

test("a robot of an organisation signs in with its token, and does what it was let", async () => {
  await registry("org", "create", "team");
  await registry("org", "join", "team", "alice", "write");
  expect(await registry("org", "members", "team")).toContain("alice");
  const token = await registry("robot", "create", "--write", "team/app", "team+ci");
  for (const client of daemon.clients) {
    const name = `${address}/team/app:${client.program}`;
    await client("tag", "busybox", name);
    const login = await client.with({ input: token }, "login", "-u", "team+ci", "--password-stdin", address);
    expect(login.stdout).toContain("Login Succeeded");
    expect((await client("push", name)).code).toBe(0);
    await client("tag", "busybox", `${address}/team/other:v1`);
    expect((await client("push", `${address}/team/other:v1`)).code).toBe(1);
    await client("logout", address);
    await client("rmi", name);
    expect((await client("pull", name)).code).toBe(1);
    await registry("repo", "set", "--public", "team/app");
    expect((await client("pull", name)).code).toBe(0);
    await registry("repo", "set", "--private", "team/app");
  }
  expect(await registry("robot", "ls", "team")).toContain("team/app=write");
  await registry("robot", "rm", "team+ci");
  await registry("repo", "rm", "team/app");
  expect((await registry("repo", "ls")).split("\n")).not.toContain("team/app");
}, 60_000);

test("rules and quotas on the command line hold for a client's push", async () => {
  await registry("quota", "set", "public", "1k");
  await registry("immutable", "add", "alice/fixed", "v*");
  await registry("retention", "add", "--keep", "1", "--untagged", "7d", "alice/old");
  const { hoy } = daemon;
  await hoy.with({ input: PASSWORD }, "login", "-u", "alice", "--password-stdin", address);
  const push = async (name: string) => {
    await hoy("tag", "busybox", `${address}/${name}`);
    return hoy("push", `${address}/${name}`);
  };
  const full = await push("public/big:v1");
  expect([full.code, full.stderr]).toEqual([1, expect.stringContaining("the quota of public is used up")]);
  for (const tag of ["v1", "v2"]) expect((await push(`alice/old:${tag}`)).code).toBe(0);
  expect(await registry("retention", "run", "--dry-run")).toMatch(/alice\/old +v1/);
  await registry("retention", "run");
  expect((await push("alice/fixed:v1")).code).toBe(0);
  expect((await push("alice/fixed:v1")).code).toBe(0);
  const [used] = /public .*/.exec(await registry("quota", "ls")) ?? [];
  expect(used).toContain("1.024kB");
  await registry("quota", "rm", "public");
  await hoy("logout", address);
}, 60_000);

test("a push from the engine of the same host copies nothing: both have the same file", async () => {
  const own = join(daemon.root, "beside");
  const options = ["--listen", "127.0.0.1:0", "--root", own, "--engine-root", daemon.data];
  const beside = start([...daemon.inside, HOY, "registry", "serve", ...options]);
  const at = /http:\/\/(\S+),/.exec(await beside.until(/registry on .*\n/))?.[1] ?? "";
  try {
    const name = `${at}/app:v1`;
    const { hoy } = daemon;
    await hoy("tag", "busybox", name);
    expect((await hoy("push", name)).code).toBe(0);
    const blobs = readdirSync(join(own, "blobs/sha256"));
    expect(blobs.length).toBeGreaterThanOrEqual(2);
    for (const hex of blobs) {
      const theirs = statSync(join(daemon.data, "blobs/sha256", hex));
      expect(statSync(join(own, "blobs/sha256", hex)).ino).toBe(theirs.ino);
    }
    await hoy("rmi", name);
    const pulled = await hoy("pull", name);
    expect({ code: pulled.code, stderr: pulled.stderr }).toEqual({ code: 0, stderr: "" });
    await hoy("rmi", name);
  } finally {
    beside.kill("SIGTERM");
    expect(await beside.exited).toBe(0);
  }
}, 60_000);

test("an address that others can reach needs users and TLS, or a word that it does not", async () => {
  const open = await command([HOY, "registry", "serve", "--listen", ":0", "--root", root()]);
  expect([open.code, open.stderr]).toEqual([1, "others can reach 0.0.0.0: say --users, or --allow-anyone\n"]);
  const plain = await command([HOY, "registry", "serve", "--listen", ":0", "--users", "--root", root()]);
  expect(plain.stderr).toContain("--allow-plain-http");
});

const skopeo = Bun.which("skopeo");
const withSkopeo = skopeo === null ? test.skip : test;
withSkopeo(
  `skopeo copies in and out${skopeo === null ? " (skipped: no skopeo on PATH)" : ""}`,
  async () => {
    const layout = `oci:${join(daemon.root, "layout")}`;
    const run = (...args: string[]) => command([...daemon.inside, "skopeo", "--insecure-policy", ...args]);
    const from = await run("copy", "--src-tls-verify=false", `docker://${address}/public/app:v1`, `${layout}:v1`);
    expect({ code: from.code, stderr: from.stderr }).toEqual({ code: 0, stderr: "" });
    const login = ["--dest-tls-verify=false", "--dest-creds", `alice:${PASSWORD}`];
    const to = await run("copy", ...login, `${layout}:v1`, `docker://${address}/alice/copy:v1`);
    expect({ code: to.code, stderr: to.stderr }).toEqual({ code: 0, stderr: "" });
    const inspect = ["inspect", "--raw", "--tls-verify=false", "--creds", `alice:${PASSWORD}`];
    const raw = await run(...inspect, `docker://${address}/alice/copy:v1`);
    expect(JSON.parse(raw.stdout)).toMatchObject({ schemaVersion: 2 });
  },
  60_000,
);

test("commands on the host are in the audit log, without secrets; without the log nothing is changed", async () => {
  const [own, log] = [join(daemon.root, "audited"), join(daemon.root, "audit.json")];
  const serving = ["--users", "--listen", "127.0.0.1:0", "--root", own, "--audit-log", log];
  const started = start([...daemon.inside, HOY, "registry", "serve", ...serving]);
  await started.until(/registry on .*\n/);
  const say = (...words: string[]) =>
    command([HOY, "registry", ...words, "--root", own], { input: `${PASSWORD}\n`, env: { SUDO_USER: "carol" } });
  await say("user", "add", "--password-stdin", "alice");
  const { stdout: secret } = await say("webhook", "add", "https://hooks.example.com/T0/very-secret?key=secret");
  expect((await say("user", "rm", "nobody")).code).toBe(1);
  const { stdout: token } = await say("token", "create", "alice");
  await say("user", "ls");
  started.kill("SIGTERM");
  expect(await started.exited).toBe(0);
  const text = readFileSync(log, "utf8");
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([
    "COMMAND registry user add alice 0",
    "COMMAND registry webhook add https://hooks.example.com 0",
    "COMMAND registry user rm nobody 1",
    "COMMAND registry token create alice 0",
  ]);
  expect(lines[0].claimed).toStartWith("carol as ");
  expect(statSync(log).mode & 0o777).toBe(0o600);
  for (const hidden of [PASSWORD, "very-secret", secret.trim(), token.trim()]) expect(text).not.toContain(hidden);
  rmSync(log);
  mkdirSync(log);
  const refused = await say("user", "add", "--password-stdin", "bob");
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("so nothing is changed")]);
  expect((await say("user", "ls")).stdout).toBe("alice\n");
});
