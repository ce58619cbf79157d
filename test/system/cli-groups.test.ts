// Groups of commands that docker has beside the well-known ones: builder and checkpoint.

import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachClient, fails, ok } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();

test("builder build, du and prune", async () => {
  const context = mkdtempSync(join(hoy.root, "context-"));
  writeFileSync(join(context, "Dockerfile"), "FROM busybox\nRUN head -c 100000 /dev/zero >/zeros\n");
  await ok(hoy.hoy("builder", "build", "-t", "built", context));
  const table = await ok(hoy.hoy("builder", "du"));
  expect(table).toMatch(/^CACHE ID +CACHE TYPE +SIZE/);
  expect(table).toMatch(/\nReclaimable:\t\S+\nTotal:\t\t\S+$/);
  const ids = (await ok(hoy.hoy("builder", "du", "--no-trunc", "--format", "{{.ID}}"))).split("\n");
  expect(ids.length).toBeGreaterThan(0);
  const asked = await hoy.hoy.with({ input: "n\n" }, "builder", "prune");
  expect(asked).toMatchObject({ code: 0 });
  expect(asked.stdout).toContain("WARNING! This will remove all dangling build cache.");
  await ok(hoy.hoy("rmi", "built"));
  const pruned = await ok(hoy.hoy("builder", "prune", "-af"));
  expect(pruned).toMatch(/^Deleted build cache objects:\n(?:.*\n)*\nTotal reclaimed space: \S+B$/);
  expect(await ok(hoy.hoy("builder", "du", "--format", "{{.ID}}"))).toBe("");
});

eachClient(hoy, "checkpoints are said to need an engine with experimental features", async (client) => {
  const words = /checkpoint (create|ls|rm)"? is only supported on a Docker daemon with experimental features enabled/;
  await fails(client("checkpoint", "create", "box", "one"), 1, words);
  await fails(client("checkpoint", "ls", "box"), 1, words);
  await fails(client("checkpoint", "rm", "box", "one"), 1, words);
  expect((await hoy.api("GET", "/containers/box/checkpoints")).status).toBe(501);
});
