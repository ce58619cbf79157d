// Docker's client plugins (`docker compose`, `docker buildx`) under hoy's client: found in the directories that docker
// looks in, started in the client's place. No daemon: the plugins here tell what they were given.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { command } from "../harness/command.ts";

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
