// Debian's docker-registry with htpasswd: signing in with and without a credential helper, pushing and pulling.

import { beforeAll, expect } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { command, start } from "../harness/command.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";
import { describeWith, have } from "../harness/needs.ts";

const PASSWORD = "correct horse";
const ADDRESS = "127.0.0.1:5000";
const daemon = await testDaemon();
const bin = join(daemon.root, "bin");
const config = join(daemon.root, "home/.docker/config.json");
const kept = join(daemon.root, "home/kept");

describeWith("dockerRegistry", "docker-registry with htpasswd", () => {
  beforeAll(async () => {
    if (!have.dockerRegistry) return;
    await serve();
    helper();
  });

  eachClient(daemon, "a wrong password is refused, without one nothing is pushed or pulled", async (client) => {
    configure({});
    const name = `${ADDRESS}/${unique("app")}:v1`;
    await ok(client("tag", "busybox", name));
    await fails(login(client, "wrong"), 1, /unauthorized|401/i);
    await fails(client("push", name), 1, /no basic auth credentials|authentication required|unauthorized|denied/i);
    await fails(client("pull", name), 1, /no basic auth credentials|authentication required|unauthorized|denied/i);
    await ok(client("rmi", name));
  });

  eachClient(daemon, "the configuration keeps the password until logout", async (client) => {
    configure({});
    await ok(login(client, PASSWORD));
    expect(Object.keys(JSON.parse(readFileSync(config, "utf8")).auths)).toEqual([ADDRESS]);
    await pushAndPull(client);
    await ok(client("logout", ADDRESS));
    expect(readFileSync(config, "utf8")).not.toContain(ADDRESS);
  });

  for (const how of ["credsStore", "credHelpers"]) {
    eachClient(daemon, `a credential helper keeps it instead (${how})`, async (client) => {
      configure(how === "credsStore" ? { credsStore: "kept" } : { credHelpers: { [ADDRESS]: "kept" } });
      await ok(login(client, PASSWORD));
      expect(JSON.parse(readFileSync(kept, "utf8"))).toMatchObject({ Username: "alice", Secret: PASSWORD });
      const secret = Buffer.from(`alice:${PASSWORD}`).toString("base64");
      expect(readFileSync(config, "utf8")).not.toContain(secret);
      await pushAndPull(client);
      await ok(helped(client, "logout", ADDRESS));
      expect(existsSync(kept)).toBe(false);
      await fails(helped(client, "pull", `${ADDRESS}/nosuch:v1`), 1, /auth|unauthorized|denied/i);
    });
  }
});

const PATH = `${bin}:${process.env.PATH}`;
const helped = (client: Client, ...args: string[]) => client.with({ env: { PATH } }, ...args);

function login(client: Client, password: string) {
  return client.with({ env: { PATH }, input: password }, "login", "-u", "alice", "--password-stdin", ADDRESS);
}

async function pushAndPull(client: Client): Promise<void> {
  const name = `${ADDRESS}/${unique("app")}:v1`;
  await ok(client("tag", "busybox", name));
  await ok(helped(client, "push", name));
  await ok(client("rmi", name));
  expect(await ok(helped(client, "pull", name))).toContain("Status: Downloaded newer image for");
  await ok(client("rmi", name));
}

function configure(value: object): void {
  mkdirSync(join(daemon.root, "home/.docker"), { recursive: true });
  writeFileSync(config, JSON.stringify(value));
}

/** Keeps the credentials of one registry in a file. */
function helper(): void {
  mkdirSync(bin);
  const script = `#!/bin/sh
case $1 in
store) cat >"${kept}" ;;
get)
  read -r server
  if [ -e "${kept}" ] && grep -qF "$server" "${kept}"; then cat "${kept}"; exit; fi
  echo "credentials not found in native keychain"
  exit 1
  ;;
erase) rm -f "${kept}" ;;
esac
`;
  writeFileSync(join(bin, "docker-credential-kept"), script);
  chmodSync(join(bin, "docker-credential-kept"), 0o755);
}

/** In the daemon's network, where the port is free. */
async function serve(): Promise<void> {
  const root = join(daemon.root, "debian");
  mkdirSync(root);
  const hash = await Bun.password.hash(PASSWORD, { algorithm: "bcrypt", cost: 4 });
  writeFileSync(join(root, "htpasswd"), `alice:${hash}\n`);
  const lines = [
    "version: 0.1",
    "log: {level: info}",
    `storage: {filesystem: {rootdirectory: ${join(root, "data")}}}`,
    `http: {addr: ${ADDRESS}, secret: test}`,
    `auth: {htpasswd: {realm: test, path: ${join(root, "htpasswd")}}}`,
  ];
  writeFileSync(join(root, "config.yml"), `${lines.join("\n")}\n`);
  const served = start([...daemon.inside, "docker-registry", "serve", join(root, "config.yml")]);
  daemon.beforeClose.push(async () => {
    served.kill("SIGTERM");
    await served.exited;
  });
  for (let waited = 0; waited < 30_000; waited += 50) {
    const asked = await command([...daemon.inside, process.execPath, "-e", ASK, `http://${ADDRESS}/v2/`]);
    if (asked.code === 0) return;
    await Bun.sleep(50);
  }
  throw new Error(`docker-registry does not answer: ${served.output()}`);
}

const ASK = "const { status } = await fetch(process.argv[1]); process.exit(status === 401 ? 0 : 1)";
