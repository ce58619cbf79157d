// Looking after images: verify, diff, collection by policy, through `hoy`.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testDaemon } from "../harness/daemon.ts";

const daemon = await testDaemon({ config: { gc: { "images-unused-for": "1000h", "keep-images": "busybox" } } });
const { hoy } = daemon;

async function derived(name: string, script: string): Promise<void> {
  const { code, stderr } = await hoy("run", "--network=none", "--name", name, "busybox", "sh", "-c", script);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  await hoy("commit", name, name);
  await hoy("rm", name);
}

test("diff shows what one image has more, less and otherwise than another", async () => {
  await derived("changed", "echo new >/added; rm /bin/ls; chmod 700 /bin");
  const { stdout, code } = await hoy("image", "diff", "busybox", "changed");
  expect({ code, lines: stdout.trim().split("\n") }).toEqual({
    code: 0,
    lines: ["A /added", "C /bin", "D /bin/ls"],
  });
  expect((await hoy("image", "diff", "--layers", "busybox", "changed")).stdout).toMatch(/^A [0-9a-f]{12} \/added$/m);
  expect((await hoy("image", "diff", "busybox", "none")).stderr).toContain("No such image");
});

test("verify reads every byte, and names the file that has changed", async () => {
  const whole = await hoy("image", "verify", "busybox", "changed");
  expect({ code: whole.code, lines: whole.stdout.trim().split("\n").length }).toEqual({ code: 0, lines: 2 });
  const blobs = join(daemon.data, "blobs/sha256");
  const { stdout: id } = await hoy("image", "inspect", "--format", "{{.Id}}", "changed");
  const path = join(blobs, id.trim().replace("sha256:", ""));
  expect(readdirSync(blobs)).toContain(id.trim().replace("sha256:", ""));
  const bytes = readFileSync(path);
  writeFileSync(path, Buffer.from(bytes).fill(0x20, 0, 1));
  const spoilt = await hoy("image", "verify", "changed");
  writeFileSync(path, bytes);
  expect(spoilt.code).toBe(1);
  expect(spoilt.stderr).toContain(`config ${id.trim()} has changed`);
});

test("images --tree shows the platforms", async () => {
  const { stdout, code } = await hoy("images", "--tree");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^IMAGE +ID +DISK USAGE +CONTENT SIZE +EXTRA\n/);
  expect(stdout).toMatch(/^busybox:latest +[0-9a-f]{12} +\S+ +\S+ *\n└─ linux\/\S+ +[0-9a-f]{12} +\S+ +\S+ *$/m);
  expect((await hoy("images", "--tree", "-q")).code).toBe(1);
});

test("gc removes what is not used, keeps what containers and the policy hold", async () => {
  await derived("unused", "echo >/unused");
  await derived("used", "echo >/used");
  await hoy("create", "--network=none", "--name", "holder", "used", "true");
  const nothing = await hoy("system", "gc");
  expect(nothing).toEqual({ code: 0, stdout: "Total reclaimed space: 0B\n", stderr: "" });
  const dry = await hoy("system", "gc", "--dry-run", "--keep-storage=0");
  expect(dry.stdout).toContain(" unused:latest ");
  expect(dry.stdout).not.toMatch(/ (used|busybox):latest /);
  expect((await hoy("image", "inspect", "unused")).code).toBe(0);
  const wet = await hoy("system", "gc", "--keep-storage=0");
  // How long ago is another second by now.
  const lines = (text: string) => text.replace(/, used .*\)/g, ")").replace(/^(Total|Space).*: /m, "");
  expect(lines(wet.stdout)).toBe(lines(dry.stdout));
  const left = (await hoy("images", "--format", "{{.Repository}}")).stdout.trim().split("\n").toSorted();
  expect(left).toEqual(["busybox", "used"]);
  await hoy("rm", "holder");
});

test("a time that is none is refused", async () => {
  const bad = await hoy("system", "gc", "--unused-for", "long");
  expect(bad.code).toBe(1);
  expect(bad.stderr).toContain("is not a time such as");
});
