// Copies into and out of what is mounted in a container, whose the files are, and what diff and commit make of mounts.

import { describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];

function file(content: string, owner = 0): string {
  const path = join(hoy.root, unique("file"));
  writeFileSync(path, content);
  chownSync(path, owner, owner);
  return path;
}

describe("cp and mounts", () => {
  eachClient(hoy, "a volume and a bind mount, whether the container runs or not", async (client) => {
    const name = unique();
    const bind = join(hoy.root, unique("bind"));
    mkdirSync(bind);
    const mounts = ["-v", `${name}:/volume`, "-v", `${bind}:/bind`];
    await ok(client("run", "-d", "--name", name, ...NET, ...mounts, "busybox", "sleep", "1000"));
    for (const state of ["up", "down"]) {
      if (state === "down") await ok(client("stop", "-t", "0", name));
      await ok(client("cp", file(state), `${name}:/volume/${state}`));
      await ok(client("cp", file(state), `${name}:/bind/${state}`));
      expect(readFileSync(join(bind, state), "utf8")).toBe(state);
      const out = join(hoy.root, unique("out"));
      await ok(client("cp", `${name}:/volume/${state}`, out));
      expect(readFileSync(out, "utf8")).toBe(state);
    }
    await ok(client("start", name));
    expect(await ok(client("exec", name, "cat", "/volume/up", "/volume/down", "/bind/down"))).toBe("updowndown");
    expect(await ok(client("diff", name))).toBe("");
    await ok(client("rm", "-f", name));
    await ok(client("volume", "rm", name));
  });

  eachClient(hoy, "what is read-only stays so; what is not can be written to", async (client) => {
    const name = unique();
    const bind = join(hoy.root, unique("bind"));
    mkdirSync(bind);
    const mounts = ["-v", `${name}:/volume`, "-v", `${bind}:/bind:ro`, "--tmpfs", "/scratch"];
    await ok(client("run", "-d", "--name", name, "--read-only", ...NET, ...mounts, "busybox", "sleep", "1000"));
    const source = file("x");
    await ok(client("cp", source, `${name}:/volume/x`));
    await ok(client("cp", source, `${name}:/scratch/x`));
    await fails(client("cp", source, `${name}:/etc/x`), 1, "container rootfs is marked read-only");
    await fails(client("cp", source, `${name}:/bind/x`), 1, "mounted volume is marked read-only");
    await ok(client("stop", "-t", "0", name));
    await fails(client("cp", source, `${name}:/etc/x`), 1, "container rootfs is marked read-only");
    await fails(client("cp", source, `${name}:/bind/x`), 1, "mounted volume is marked read-only");
    await ok(client("cp", source, `${name}:/volume/y`));
    await ok(client("rm", "-f", name));
    await ok(client("volume", "rm", name));
  });

  eachClient(hoy, "owners are the container's, in its user namespace and in the host's", async (client) => {
    for (const userns of [[], ["--userns", "host"]]) {
      const name = unique();
      await ok(
        client("run", "-d", "--name", name, "--user", "1000:1001", ...userns, ...NET, "busybox", "sleep", "1000"),
      );
      const source = file("x", 33);
      await ok(client("cp", source, `${name}:/kept`));
      await ok(client("cp", "-a", source, `${name}:/given`));
      expect(await ok(client("exec", name, "stat", "-c", "%u:%g", "/kept", "/given"))).toBe("33:33\n1000:1001");
      await ok(client("stop", "-t", "0", name));
      await ok(client("cp", source, `${name}:/down`));
      await ok(client("start", name));
      expect(await ok(client("exec", name, "stat", "-c", "%u:%g", "/down"))).toBe("33:33");
      const image = `${unique("owners")}:v1`;
      await ok(client("commit", name, image));
      expect(await ok(client("run", "--rm", ...NET, image, "stat", "-c", "%u:%g", "/kept", "/given"))).toBe(
        "33:33\n1000:1001",
      );
      await ok(client("rm", "-f", name));
      await ok(client("rmi", image));
    }
  });
});

test("a container that only started has no changes, and commits to no new layer", async () => {
  const name = unique();
  await ok(hoy.hoy("run", "--name", name, ...NET, "-v", "/made/up", "--tmpfs", "/scratch", "busybox", "true"));
  expect(await ok(hoy.hoy("diff", name))).toBe("");
  const image = `${unique("same")}:v1`;
  await ok(hoy.hoy("commit", name, image));
  expect(await ok(hoy.hoy("inspect", "--format", "{{len .RootFS.Layers}}", image))).toBe("1");
  expect(await ok(hoy.hoy("history", "--format", "{{.Size}}", image))).toMatch(/^0B/);
  await ok(hoy.hoy("rm", "-v", name));
  await ok(hoy.hoy("rmi", image));
});
