// Propagation of bind mounts, as users see it: a mount made on one side of a shared bind is there on the other.

import { afterAll, describe, expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachClient, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

let source = "";
// Registered before the daemon's end, and so run before it, which looks for what is left.
afterAll(async () => {
  if (mounted(source)) await ok(command(["umount", "-R", source]));
});
const hoy = await testDaemon();
source = join(hoy.root, "shared");
mkdirSync(join(source, "inside"), { recursive: true });
mkdirSync(join(source, "outside"));
await ok(command(["mount", "--bind", source, source]));
await ok(command(["mount", "--make-private", source]));
await ok(command(["mount", "--make-shared", source]));

/** Whether something is mounted there, as this machine sees it. */
function mounted(path: string): boolean {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.some((line) => line.split(" ")[4] === path);
}

describe("bind propagation", () => {
  for (const [mode, fromContainer] of [
    ["rshared", true],
    ["rslave", false],
  ] as const) {
    eachClient(hoy, `${mode}: ${fromContainer ? "both ways" : "only into the container"}`, async (client) => {
      const name = unique();
      const flags = ["--network", "none", "--privileged", "-v", `${source}:/m:${mode}`];
      await ok(client("run", "-d", "--name", name, ...flags, "busybox", "sleep", "1000"));
      try {
        await ok(client("exec", name, "mount", "-t", "tmpfs", "made-inside", "/m/inside"));
        expect(mounted(join(source, "inside"))).toBe(fromContainer);
        await ok(command(["mount", "-t", "tmpfs", "made-outside", join(source, "outside")]));
        writeFileSync(join(source, "outside/file"), "from the host");
        expect(await ok(client("exec", name, "cat", "/m/outside/file"))).toBe("from the host");
        await ok(command(["umount", join(source, "outside")]));
        expect((await client("exec", name, "cat", "/m/outside/file")).code).toBe(1);
        await ok(client("exec", name, "umount", "/m/inside"));
        expect(mounted(join(source, "inside"))).toBe(false);
      } finally {
        await client("rm", "-f", name);
      }
    });
  }
});
