// Directories of blobs at hoy's client: caches of type local, and OCI layouts as named contexts.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contextIn } from "../harness/buildx.ts";
import { ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const build = (...args: string[]) => hoy.hoy("build", "--network", "none", "--progress", "plain", ...args);
const run = (image: string, ...args: string[]) => ok(hoy.hoy("run", "--rm", "--network", "none", image, ...args));
const good = async (...args: string[]): Promise<string> => {
  const { code, stderr } = await build(...args);
  if (code !== 0) throw new Error(stderr);
  return stderr;
};
const forget = async (image: string) => {
  await ok(hoy.hoy("rmi", "-f", image));
  await ok(hoy.hoy("builder", "prune", "-af"));
};

describe("--cache-to and --cache-from of type local", () => {
  test("what another engine's build would find: all of it, under a tag of its own", async () => {
    const [tag, store] = [unique("local"), join(hoy.root, unique("store"))];
    const dir = contextIn(
      hoy,
      "FROM busybox AS a\nRUN cat /proc/sys/kernel/random/uuid > /made\nFROM busybox\nCOPY --from=a /made /\n",
    );
    await good("-t", tag, "--cache-to", `type=local,dest=${store},mode=max`, dir);
    const made = await run(tag, "cat", "/made");
    await forget(tag);
    const stderr = await good("-t", tag, "--cache-from", `type=local,src=${store}`, dir);
    expect(stderr).toContain(`importing cache manifest from ${store}`);
    expect(await run(tag, "cat", "/made")).toBe(made);
    await good("--cache-from", `type=local,src=${store}`, "--cache-to", `type=local,dest=${store},tag=second`, dir);
    const { manifests } = JSON.parse(readFileSync(join(store, "index.json"), "utf8"));
    const tags = manifests.map(({ annotations }: { annotations: object }) => Object.values(annotations)[0]);
    expect(tags.sort()).toEqual(["latest", "second"]);
    expect(readdirSync(join(store, "ingest"))).toEqual([]);
    expect(existsSync(join(store, "oci-layout"))).toBe(true);
    await forget(tag);
  });

  test("one that is not there is said to be so; one that is broken is an error, or no cache", async () => {
    const dir = contextIn(hoy, "FROM busybox\nRUN true\n");
    const none = join(hoy.root, "none");
    expect(await good("--cache-from", `type=local,src=${none}`, dir)).toContain(
      `WARNING: local cache import at ${none} not found`,
    );
    expect((await build("--cache-to", "type=local", dir)).stderr).toContain("local --cache-to requires dest");
    const broken = join(hoy.root, "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "index.json"), "{");
    expect((await build("--cache-from", `type=local,src=${broken}`, dir)).stderr).toContain("index.json can't be read");
    const digest = `sha256:${"0".repeat(64)}`;
    expect(await good("--cache-from", `type=local,src=${broken},digest=${digest}`, dir)).toContain("not found");
  });
});

describe("--build-context NAME=oci-layout://DIRECTORY", () => {
  test("an image with its config and layers, by tag and digest; what is no image says so", async () => {
    const image = contextIn(
      hoy,
      'FROM busybox\nRUN echo one > /one\nRUN echo two > /two\nENV FROM_LAYOUT=yes\nCMD ["cat", "/two"]\n',
    );
    const [file, layout] = [join(hoy.root, "image.tar"), join(hoy.root, "layout")];
    await good("-t", "packed:1", "-o", `type=oci,dest=${file}`, image);
    await ok(hoy.hoy("builder", "prune", "-af"));
    mkdirSync(layout);
    await ok(command(["tar", "-xf", file, "-C", layout]));
    const dir = contextIn(hoy, "FROM base\nRUN echo $FROM_LAYOUT > /three\n");
    await good("--no-cache", "-t", "upon", "--build-context", `base=oci-layout://${layout}:1`, dir);
    expect(await run("upon", "cat", "/one", "/three")).toBe("one\nyes");
    expect(await run("upon")).toBe("two");
    const copies = contextIn(hoy, "FROM scratch\nCOPY --from=base /one /one\n");
    const { digest } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")).manifests[0];
    await good("--build-context", `base=oci-layout://${layout}@${digest}`, "-o", join(hoy.root, "out"), copies);
    expect(readFileSync(join(hoy.root, "out/one"), "utf8")).toBe("one\n");
    const bad = async (value: string) => (await build("--build-context", `base=${value}`, dir)).stderr;
    expect(await bad(`oci-layout://${layout}:none`)).toContain("none");
    expect(await bad("oci-layout:///nowhere")).toContain("no latest in the layout /nowhere");
    expect(await bad(`oci-layout://${layout}@sha256:${"1".repeat(64)}`)).toContain("not found");
    const blob = join(layout, "blobs/sha256", digest.slice("sha256:".length));
    writeFileSync(blob, readFileSync(blob, "utf8").replace("schemaVersion", "schemaversion"));
    expect(await bad(`oci-layout://${layout}@${digest}`)).toContain("came as");
    await forget("upon");
  });
});
