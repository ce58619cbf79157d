// Docker's client plugins (`docker compose`, `docker buildx`) under hoy's client: found in the directories that docker
// looks in, started in the client's place. No daemon: the plugins here tell what they were given.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { command } from "../harness/command.ts";
import { testWith } from "../harness/needs.ts";

const directory = mkdtempSync("/tmp/hoy-plugins-");
afterAll(() => rmSync(directory, { recursive: true }));
const config = join(directory, "config");
const extra = join(directory, "extra");
const hoy = resolve(import.meta.dir, "../../dist/hoy");
symlinkSync(hoy, join(directory, "docker"));

function plugin(folder: string, name: string, script: string, mode = 0o755): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `docker-${name}`), `#!/bin/sh\n${script}\n`, { mode });
}

plugin(
  join(config, "cli-plugins"),
  "greet",
  'echo "$# $*"; echo "$DOCKER_HOST $DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND" >&2; cat; exit 7',
);
plugin(join(config, "cli-plugins"), "plain", "echo never", 0o644);
plugin(join(config, "cli-plugins"), "ps", "echo never");
plugin(extra, "more", "echo more; kill -TERM $$");
writeFileSync(join(config, "config.json"), JSON.stringify({ cliPluginsExtraDirs: [extra] }));

const run = (program: string, argv: readonly string[], env: Record<string, string> = {}, input = "") =>
  command([program, ...argv], {
    input,
    env: { DOCKER_CONFIG: config, DOCKER_HOST: "", DOCKER_CONTEXT: "", HOME: directory, ...env },
  });

test("a plugin has the command line as written, the streams, the engine's address, and its own exit code", async () => {
  const { code, stdout, stderr } = await run(hoy, ["-D", "greet", "up", "-d", "--x=y z"], {}, "typed\n");
  expect(stdout).toBe("5 -D greet up -d --x=y z\ntyped\n");
  expect(stderr).toBe("unix:///run/hoy/hoy.sock hoy\n");
  expect(code).toBe(7);
});

test("an address that was given stays as it was given", async () => {
  const docker = join(directory, "docker");
  expect((await run(docker, ["greet"], { DOCKER_HOST: "unix:///given" })).stderr).toBe("unix:///given docker\n");
  expect((await run(docker, ["-H", "unix:///flag", "greet"])).stderr).toBe(" docker\n");
});

test("also from the configuration's own directories; a signal that ends it ends the client", async () => {
  const { code, stdout } = await run(hoy, ["more"]);
  expect(stdout).toBe("more\n");
  expect(code).toBe(143);
});

test("neither a file that is no program, nor a name that leads elsewhere, nor one that hides a command", async () => {
  for (const name of ["plain", "../greet", "Greet", "absent"]) {
    const { code, stdout, stderr } = await run(hoy, [name]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toStartWith(`hoy: unknown command: hoy ${name}\n`);
  }
  expect((await run(hoy, ["-H", "unix:///nowhere/hoy.sock", "ps"])).stdout).toBe("");
});

describe("what is there", () => {
  const listed = join(directory, "listed");
  const folder = join(listed, "cli-plugins");
  const environment = { DOCKER_CONFIG: listed };
  const told = (fields: object) => `echo '${JSON.stringify({ SchemaVersion: "0.1.0", ...fields })}'`;
  const fields = { Vendor: "Makers", Version: "v1", ShortDescription: "Makes things", URL: "http://a" };
  const asked = `[ "$1" = docker-cli-plugin-metadata ] && { ${told(fields)}; exit; }`;
  plugin(folder, "make", `${asked}\nprintf '%s\\thelp of it\\n' "$@"; echo :4; echo "directive" >&2`);
  plugin(folder, "broken", "exit 3");
  plugin(folder, "ps", told({ Vendor: "x" }));
  plugin(folder, "old", told({ SchemaVersion: "0.0.1", Vendor: "x" }));
  plugin(folder, "nobody", told({}));
  plugin(folder, "closed", "exit 0", 0o644);
  plugin(folder, "Bad", "exit 0");
  plugin(join(listed, "later"), "make", told({ Vendor: "Hidden" }));
  writeFileSync(join(listed, "config.json"), "{}");

  test("the front page names plugins among its subjects, and those that can't be used with the reason", async () => {
    const { code, stdout } = await run(hoy, ["--help"], environment);
    expect(code).toBe(0);
    expect(stdout).toContain("\n  make*       Makes things\n  manifest ");
    const invalid = stdout.slice(stdout.indexOf("Invalid plugins:\n"), stdout.indexOf("\nOptions:"));
    const reasons = invalid
      .replaceAll(/\n {14}/g, " ")
      .trim()
      .split("\n");
    expect(reasons).toEqual([
      "Invalid plugins:",
      '  Bad         plugin candidate "Bad" did not match "^[a-z][a-z0-9]*$"',
      "  broken      failed to fetch metadata: exit status 3",
      `  closed      failed to fetch metadata: fork/exec ${folder}/docker-closed: permission denied`,
      "  nobody      plugin metadata does not define a vendor",
      '  old         plugin SchemaVersion "0.0.1" is not valid, must be 0.1.0',
      '  ps          plugin "ps" duplicates builtin command',
    ]);
  });

  testWith("docker", "info lists them as docker's client does", async () => {
    writeFileSync(join(listed, "config.json"), JSON.stringify({ cliPluginsExtraDirs: [join(listed, "later")] }));
    const format = ["-H", "unix:///nowhere/hoy.sock", "info", "--format", "{{json .ClientInfo.Plugins}}"];
    const [theirs, ours] = [await run("docker", format, environment), await run(hoy, format, environment)];
    writeFileSync(join(listed, "config.json"), "{}");
    expect(JSON.parse(ours.stdout)).toEqual(JSON.parse(theirs.stdout));
    expect(JSON.parse(ours.stdout)).toHaveLength(7);
  });

  test("completion offers them, and asks them for what comes next; help of one is its own", async () => {
    expect((await run(hoy, ["__complete", "ma"], environment)).stdout).toContain("make\tMakes things\n");
    expect((await run(hoy, ["__complete", "br"], environment)).stdout).not.toContain("broken");
    const { stdout } = await run(hoy, ["__complete", "-D", "make", "up", "--f", ""], environment);
    expect(stdout).toBe(["__complete", "make", "up", "--f", ""].map((word) => `${word}\thelp of it\n`).join(""));
    expect((await run(hoy, ["help", "make"], environment)).stdout).toStartWith("help\thelp of it\nmake\t");
  });
});
