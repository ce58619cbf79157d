// Cache mounts taken to another engine: what a build there finds is what the build here left.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contextIn } from "../harness/buildx.ts";
import { eventually, fails, ok } from "../harness/clients.ts";
import { command, commandBytes } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const here = await testDaemon();
const there = await testDaemon();
const BUILD = ["build", "--network", "none", "--progress", "plain"];
const MOUNT = "--mount=type=cache,id=packages,target=/c,uid=5,gid=6,mode=0750";
const mount = (daemon: typeof here, ...args: string[]) => daemon.hoy("builder", "cache-mount", ...args);
const build = (daemon: typeof here, script: string, options = MOUNT) =>
  daemon.hoy(...BUILD, contextIn(daemon, `FROM busybox\nRUN ${options} ${script}\n`));

test("export, import, and a build that finds it all as it was", async () => {
  const fill =
    "echo kept > /c/f; ln /c/f /c/hard; ln -s f /c/soft; mkdir -m 700 /c/d; chown 9:9 /c/d; truncate -s 1M /c/hole";
  await ok(build(here, fill));
  const listed = await ok(mount(here, "ls"));
  expect(listed).toMatch(
    /^ID\s+CACHE ID\s+OWNER\s+MODE\s+SIZE\s+LAST USED\s+IN USE\n[0-9a-f]{12}\s+packages\s+5:6\s+750\s+\S+\s+.*ago\s+false$/,
  );
  const file = join(here.root, "packages.tar");
  await ok(mount(here, "export", "-o", file, "packages"));
  expect(await ok(mount(there, "import", "-i", file))).toMatch(/^Imported packages as [0-9a-f]{12} \(/);
  const look = "stat -c '%u:%g %a' /c /c/d; cat /c/f; stat -c %h /c/f; readlink /c/soft; stat -c %s /c/hole";
  const { stderr } = await build(there, look);
  expect(stderr.replaceAll(/^#\d+ [\d.]+ /gm, "")).toContain("5:6 750\n9:9 700\nkept\n2\nf\n1048576\n");
  expect((await build(there, "ls /c", MOUNT.replace("750", "755"))).stderr).not.toContain("hole");
});

test("by a pipe, compressed, in the place of what is there", async () => {
  const options = "--mount=type=cache,target=/root/.cache";
  await ok(build(here, "echo one > /root/.cache/n", options));
  const { stdout } = await commandBytes(
    [join(import.meta.dir, "../../dist/hoy"), "builder", "cache-mount", "export", "/root/.cache"],
    {
      env: { DOCKER_HOST: `unix://${here.socket}` },
    },
  );
  const input = Bun.gzipSync(Buffer.from(stdout));
  const bring = (...args: string[]) => there.hoy.with({ input }, "builder", "cache-mount", "import", ...args);
  await ok(bring());
  await ok(build(there, "echo two > /root/.cache/n", options));
  await fails(bring(), 1, /there is a cache mount of that kind already: [0-9a-f]{12} \(--replace puts/);
  await ok(bring("--replace"));
  expect((await build(there, "cat /root/.cache/n", options)).stderr).toMatch(/ one$/m);
});

test("one that a build has is not copied", async () => {
  const client = here.hoy.start(
    ...BUILD,
    contextIn(here, `FROM busybox\nRUN ${MOUNT} echo begun; until test -e /c/go; do sleep 0.1; done\n`),
  );
  await eventually(async () => /[\d.]+ begun/.test(client.stderr()), "the step runs");
  await fails(mount(here, "export", "packages"), 1, "in use by a build");
  expect(await ok(mount(here, "ls", "--format", "{{.CacheID}} {{.InUse}}"))).toContain("packages true");
  client.kill("SIGINT");
  await client.exited;
  await eventually(async () => !(await ok(mount(here, "ls"))).includes("true"), "it is let go");
});

test("names that are none or several, archives that are none", async () => {
  await fails(mount(here, "export", "nothing"), 1, "no such cache mount: nothing");
  await ok(build(here, "true", MOUNT.replace("750", "755")));
  await fails(mount(here, "export", "packages"), 1, /packages is the name of several cache mounts: [0-9a-f]{12}, /);
  const before = await ok(mount(there, "ls", "-q"));
  const dir = join(there.root, "bad");
  mkdirSync(join(dir, "files"), { recursive: true });
  const archive = async (document: string, ...names: string[]) => {
    writeFileSync(join(dir, "hoy-cache-mount.json"), document);
    const { stdout } = await commandBytes(["tar", "-cC", dir, ...names]);
    return stdout;
  };
  const made = { id: "x", mode: 0o755, uid: 0, gid: 0, selector: "" };
  const good = JSON.stringify({ version: 1, description: "d", madeOf: made });
  const bad = async (input: Uint8Array, words: string) =>
    fails(there.hoy.with({ input }, "builder", "cache-mount", "import"), 1, words);
  await bad(Buffer.from("no tar at all".repeat(100)), "");
  await bad(await archive("{}", "hoy-cache-mount.json", "files"), "none of a cache mount");
  await bad(await archive(good, "files"), "none of a cache mount");
  await bad(await archive(good, "hoy-cache-mount.json"), "none of a cache mount");
  await bad(
    await archive(good.replace('"x"', '"x","extra":1'), "hoy-cache-mount.json", "files"),
    "none of a cache mount",
  );
  expect((await command(["mknod", join(dir, "files/device"), "c", "1", "3"])).code).toBe(0);
  await bad(await archive(good, "hoy-cache-mount.json", "files"), "is a device");
  expect(await ok(mount(there, "ls", "-q"))).toBe(before);
  expect(readdirSync(join(there.data, "tmp")).filter((name) => name.startsWith("build-import"))).toEqual([]);
  expect(readFileSync(join(dir, "hoy-cache-mount.json"), "utf8")).toBe(good);
});
