// `manifest …`: lists made by hoy, at a registry, read back by hoy and by docker.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { TestRegistry } from "../../src/engine/images/pull/testing-registry.ts";
import { tar } from "../../src/engine/images/testing.ts";
import { mediaTypes } from "../../src/image/media-types.ts";
import { command } from "../harness/command.ts";
import { testWith } from "../harness/needs.ts";

const HOY = resolve(import.meta.dir, "../../dist/hoy");
const home = mkdtempSync("/tmp/hoy-t-");
let registry: TestRegistry;
beforeAll(async () => {
  registry = await TestRegistry.start();
  registry.put("app", "amd64", [tar({ arch: "amd64" })]);
  registry.put("app", "arm64", [tar({ arch: "arm64" })]);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
});

const env = { DOCKER_CONFIG: join(home, ".docker"), HOME: home };
const hoy = (...args: string[]) => command([HOY, "manifest", ...args], { env });
const at = (name: string) => `${registry.address}/${name}`;

interface Listed {
  readonly mediaType: string;
  readonly manifests: readonly { digest: string; platform: Record<string, unknown> }[];
}

test("create, annotate, inspect, push and rm", async () => {
  const list = at("app:v1");
  const created = await hoy("create", list, at("app:amd64"), at("app:arm64"));
  expect(created).toEqual({ code: 0, stdout: `Created manifest list ${list}\n`, stderr: "" });
  const again = await hoy("create", list, at("app:amd64"));
  expect(again.code).toBe(1);
  expect(again.stderr).toContain("refusing to amend an existing manifest list with no --amend flag");
  const annotated = await hoy("annotate", "--os", "linux", "--arch", "arm64", "--variant", "v8", list, at("app:arm64"));
  expect(annotated).toEqual({ code: 0, stdout: "", stderr: "" });
  const local: Listed = JSON.parse((await hoy("inspect", list)).stdout);
  expect(local.mediaType).toBe(mediaTypes.ociIndex);
  expect(local.manifests.map(({ platform }) => platform)).toContainEqual({
    architecture: "arm64",
    os: "linux",
    variant: "v8",
  });
  const pushed = await hoy("push", "--purge", list);
  expect({ code: pushed.code, stderr: pushed.stderr }).toEqual({ code: 0, stderr: "" });
  expect(pushed.stdout).toMatch(/\nsha256:[0-9a-f]{64}\n$/);
  // The local one is gone: what is shown now is the registry's.
  expect(JSON.parse((await hoy("inspect", list)).stdout)).toEqual(local);
  const gone = await hoy("rm", list);
  expect(gone.code).toBe(1);
  expect(gone.stderr).toContain("No such manifest");
});

test("members of another repository of the registry are mounted", async () => {
  registry.put("other", "v1", [tar({ arch: "other" })]);
  const list = at("lists:v1");
  expect((await hoy("create", list, at("other:v1"))).code).toBe(0);
  registry.rules = [
    ({ method, url }, response) => {
      const missing = method === "HEAD" && url.includes("/lists/blobs/");
      const mount = method === "POST" && url.includes("mount=");
      if (missing || mount) response.writeHead(missing ? 404 : 201).end();
      return missing || mount;
    },
  ];
  const pushed = await hoy("push", list);
  registry.rules = [];
  expect({ code: pushed.code, stderr: pushed.stderr }).toEqual({ code: 0, stderr: "" });
  expect(registry.count("POST", "from=other")).toBe(2);
});

test("what is not there, and members of other registries, are refused", async () => {
  const missing = await hoy("create", at("none:v1"), at("none:amd64"));
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain("manifest unknown");
  await hoy("create", "127.0.0.1:1/list:v1", at("app:amd64"));
  const pushed = await hoy("push", "127.0.0.1:1/list:v1");
  expect(pushed.stderr).toContain("cannot use source images from a different registry than the target image");
  const annotated = await hoy("annotate", "127.0.0.1:1/list:v1", at("app:arm64"));
  expect(annotated.stderr).toContain("does not exist in");
});

testWith("docker", "docker reads the same, from the registry and from the files", async () => {
  const list = at("app:both");
  await hoy("create", list, at("app:amd64"), at("app:arm64"));
  const docker = (...args: string[]) => command(["docker", "manifest", ...args], { env });
  const mine = await hoy("inspect", list);
  const theirs = await docker("inspect", "--insecure", list);
  expect(JSON.parse(theirs.stdout)).toEqual(JSON.parse(mine.stdout));
  await hoy("push", list);
  await hoy("rm", list);
  const remote = await docker("inspect", "--insecure", list);
  expect({ code: remote.code, json: JSON.parse(remote.stdout) }).toEqual({ code: 0, json: JSON.parse(mine.stdout) });
});
