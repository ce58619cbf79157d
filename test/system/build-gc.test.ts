// "builder" in daemon.json: what stays of the build cache after a build, and that a setting nobody understands is refused.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ok } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";

const small = await testDaemon({ config: { builder: { gc: { defaultKeepStorage: "100kB" } } } });
const policies = await testDaemon({
  config: { builder: { gc: { policy: [{ filter: ["description=[2/3] RUN echo 1 > /first"], all: true }] } } },
});

const freeing = await testDaemon({ config: { builder: { gc: { defaultMinFreeSpace: "100%" } } } });

const built = async (daemon: TestDaemon): Promise<string[]> => {
  const text = "FROM busybox\nRUN echo 1 > /first\nRUN head -c 300000 /dev/zero > /second\n";
  await ok(daemon.hoy.with({ input: text }, "build", "--network", "none", "-q", "-"));
  const { json } = await daemon.api("GET", "/system/df?type=build-cache");
  const { BuildCache } = json as { BuildCache: { Description: string }[] | null };
  return (BuildCache ?? []).map(({ Description }) => Description).filter((each) => each.includes("RUN"));
};

test("the default policy keeps as much as is said; a policy takes away what its filter finds", async () => {
  expect(await built(small)).not.toContain("[3/3] RUN head -c 300000 /dev/zero > /second");
  expect(await built(freeing)).toEqual([]);
  expect(await built(policies)).toEqual(["[3/3] RUN head -c 300000 /dev/zero > /second"]);
});

test("a key that is none, and a value that is none, keep the daemon from starting", async () => {
  for (const [builder, words] of [
    [{ gc: { keepStorage: "1GB" } }, '"keepStorage" is none of enabled, policy'],
    [{ gc: { policy: [{ keepStorage: "much" }] } }, '"builder.gc.policy[0].keepStorage": must be a size'],
  ] as const) {
    const file = join(small.root, "other.json");
    writeFileSync(file, JSON.stringify({ builder }));
    const { code, stderr } = await command([
      join(import.meta.dir, "../../dist/hoy"),
      "daemon",
      "--validate",
      `--config-file=${file}`,
    ]);
    expect(stderr).toContain(words);
    expect(code).not.toBe(0);
  }
});
