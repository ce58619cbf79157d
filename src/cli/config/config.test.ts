// The client's configuration: contexts, credentials, helpers, proxies, which engine is meant.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseReference } from "../../image/reference.ts";
import { hoy } from "../testing/memory-io.ts";
import { authHeader, eraseCredentials, getCredentials, HUB_KEY, storeCredentials } from "./credentials.ts";
import { ConfigFile } from "./file.ts";

let directory: string;
const path = process.env.PATH;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hoy-config-"));
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(directory, { recursive: true, force: true });
});

const write = (value: unknown) => writeFileSync(join(directory, "config.json"), JSON.stringify(value));
const config = () => new ConfigFile(directory);
const env = (more: Record<string, string> = {}) => ({ DOCKER_CONFIG: directory, ...more });

describe("the file", () => {
  test("what is not known is kept, and nobody else may read it", () => {
    write({ experimental: "enabled", auths: {} });
    const file = config();
    file.data.currentContext = "x";
    file.save();
    expect(JSON.parse(readFileSync(join(directory, "config.json"), "utf8"))).toEqual({
      experimental: "enabled",
      auths: {},
      currentContext: "x",
    });
    expect(statSync(join(directory, "config.json")).mode & 0o777).toBe(0o600);
  });

  test("a link stays a link", () => {
    writeFileSync(join(directory, "real.json"), "{}");
    symlinkSync("real.json", join(directory, "config.json"));
    const file = config();
    file.data.detachKeys = "ctrl-a";
    file.save();
    expect(JSON.parse(readFileSync(join(directory, "real.json"), "utf8"))).toEqual({ detachKeys: "ctrl-a" });
  });

  test("a broken one is a warning, not the end", async () => {
    writeFileSync(join(directory, "config.json"), "{nonsense");
    const { code, stdout, stderr } = await hoy(["context", "show"], { env: env() });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "default\n" });
    expect(stderr).toContain("WARNING: Error loading config file:");
  });

  test("proxies are for all engines or one, and the user's own win", () => {
    write({
      proxies: { default: { httpProxy: "http://p:1", noProxy: "x" }, "tcp://h:1": { httpsProxy: "http://q:2" } },
    });
    expect([...config().proxies("unix:///s", new Set(["no_proxy"]))]).toEqual([
      ["HTTP_PROXY", "http://p:1"],
      ["http_proxy", "http://p:1"],
      ["NO_PROXY", "x"],
    ]);
    expect(config().proxies("tcp://h:1", new Set()).get("https_proxy")).toBe("http://q:2");
  });
});

describe("credentials", () => {
  test("of the Hub and of others, by any spelling of their name", async () => {
    write({
      auths: { [HUB_KEY]: { auth: btoa("me:secret:word") }, "https://registry.example/v2/": { auth: btoa("you:pw") } },
    });
    expect(await getCredentials(config(), HUB_KEY)).toMatchObject({ username: "me", password: "secret:word" });
    expect(await getCredentials(config(), "registry.example")).toMatchObject({ username: "you", password: "pw" });
    expect(await getCredentials(config(), "other.example")).toBeUndefined();
    const header = await authHeader(config(), parseReference("registry.example/app"));
    expect(JSON.parse(Buffer.from(header["X-Registry-Auth"] ?? "", "base64url").toString())).toEqual({
      username: "you",
      password: "pw",
      serveraddress: "registry.example",
    });
    expect(await authHeader(config(), parseReference("other.example/app"))).toEqual({});
  });

  test("are kept and erased", async () => {
    const file = config();
    await storeCredentials(file, "registry.example", { username: "me", password: "pw" });
    expect(config().data.auths).toEqual({ "registry.example": { auth: btoa("me:pw") } });
    await eraseCredentials(file, "registry.example");
    expect(config().data.auths).toEqual({});
  });

  /** A helper that keeps what it gets in a file. */
  const helper = (body: string) => {
    const bin = join(directory, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "docker-credential-test"), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, "docker-credential-test"), 0o755);
    process.env.PATH = `${bin}:${path}`;
  };

  test("of a helper never reach the file", async () => {
    helper(`case $1 in
store) cat > ${directory}/kept;;
get) read server; echo "{\\"Username\\":\\"me\\",\\"Secret\\":\\"for $server\\"}";;
esac`);
    write({ credsStore: "test" });
    await storeCredentials(config(), "registry.example", { username: "me", password: "pw" });
    expect(JSON.parse(readFileSync(join(directory, "kept"), "utf8"))).toEqual({
      ServerURL: "registry.example",
      Username: "me",
      Secret: "pw",
    });
    expect(readFileSync(join(directory, "config.json"), "utf8")).not.toContain("pw");
    expect(await getCredentials(config(), "registry.example")).toMatchObject({
      username: "me",
      password: "for registry.example",
    });
  });

  test("a helper may have none, give a token, or fail", async () => {
    write({ credHelpers: { "registry.example": "test" } });
    helper('echo "credentials not found in native keychain"; exit 1');
    expect(await getCredentials(config(), "registry.example")).toBeUndefined();
    expect(await getCredentials(config(), "other.example")).toBeUndefined();
    writeFileSync(
      join(directory, "bin", "docker-credential-test"),
      '#!/bin/sh\necho \'{"Username":"<token>","Secret":"t"}\'\n',
    );
    expect(await getCredentials(config(), "registry.example")).toEqual({
      identitytoken: "t",
      serveraddress: "registry.example",
    });
    writeFileSync(join(directory, "bin", "docker-credential-test"), "#!/bin/sh\necho broken; exit 3\n");
    await expect(getCredentials(config(), "registry.example")).rejects.toThrow("exit status 3, out: `broken`");
  });

  test("a helper's name can't be a path", async () => {
    write({ credsStore: "../../bin/sh" });
    await expect(getCredentials(config(), "registry.example")).rejects.toThrow("bad name of a credential helper");
  });
});

describe("which engine", () => {
  const context = (name: string, host: string) =>
    hoy(["context", "create", name, "--docker", `host=${host}`], { env: env() });
  const asked = async (argv: string[], more: Record<string, string> = {}) => {
    const { stderr } = await hoy([...argv, "ps"], { env: env(more) });
    return /at (\S+?)\. Is/.exec(stderr)?.[1] ?? stderr;
  };

  test("by --context, -H, DOCKER_HOST, DOCKER_CONTEXT, the current context, the socket, in this order", async () => {
    await context("one", "unix:///nowhere/one.sock");
    await context("two", "unix:///nowhere/two.sock");
    expect(await asked([], { HOME: directory, DOCKER_HOST: "unix:///nowhere/env.sock" })).toBe(
      "unix:///nowhere/env.sock",
    );
    expect(await asked(["-H", "unix:///nowhere/flag.sock"], { DOCKER_HOST: "unix:///nowhere/env.sock" })).toBe(
      "unix:///nowhere/flag.sock",
    );
    expect(await asked(["-c", "one", "-H", "unix:///nowhere/flag.sock"])).toStartWith("conflicting options: ");
    expect(await asked([], { DOCKER_CONTEXT: "two" })).toBe("unix:///nowhere/two.sock");
    expect(await asked([], { DOCKER_CONTEXT: "two", DOCKER_HOST: "unix:///nowhere/env.sock" })).toBe(
      "unix:///nowhere/env.sock",
    );
    await hoy(["context", "use", "one"], { env: env() });
    expect(await asked([])).toBe("unix:///nowhere/one.sock");
  });

  test("only one -H, and one that can be read", async () => {
    expect((await hoy(["-H", "unix:///a", "-H", "unix:///b", "ps"], { env: env() })).stderr).toBe(
      "Specify only one -H\n",
    );
    expect((await hoy(["-H", "foo://x", "ps"], { env: env() })).stderr).toContain("unable to resolve docker endpoint");
  });

  test("a context goes out and comes back with its certificates", async () => {
    for (const name of ["ca", "cert", "key"]) writeFileSync(join(directory, `${name}.pem`), `PEM ${name}`);
    const docker = `host=tcp://h:2376,ca=${directory}/ca.pem,cert=${directory}/cert.pem,key=${directory}/key.pem`;
    await hoy(["context", "create", "safe", "--description", "words", "--docker", docker], { env: env() });
    const file = join(directory, "out.tar");
    expect((await hoy(["context", "export", "safe", file], { env: env() })).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await hoy(["context", "import", "again", file], { env: env() })).code).toBe(0);
    const shown = JSON.parse((await hoy(["context", "inspect", "again"], { env: env() })).stdout);
    expect(shown[0]).toMatchObject({
      Name: "again",
      Metadata: { Description: "words" },
      Endpoints: { docker: { Host: "tcp://h:2376" } },
      TLSMaterial: { docker: ["ca.pem", "cert.pem", "key.pem"] },
    });
    expect(readFileSync(join(shown[0].Storage.TLSPath, "docker", "key.pem"), "utf8")).toBe("PEM key");
    expect(statSync(join(shown[0].Storage.TLSPath, "docker", "key.pem")).mode & 0o777).toBe(0o600);
    expect((await hoy(["context", "rm", "again"], { env: env() })).code).toBe(0);
    expect(existsSync(shown[0].Storage.TLSPath)).toBe(false);
  });

  test("an archive that is no context is refused and leaves nothing", async () => {
    writeFileSync(join(directory, "bad.tar"), "not a tar at all".repeat(100));
    const { code, stderr } = await hoy(["context", "import", "bad", join(directory, "bad.tar")], { env: env() });
    expect(code).toBe(1);
    expect(stderr).toContain("invalid context");
    expect((await hoy(["context", "ls", "-q"], { env: env() })).stdout).toBe("default\n");
  });
});
