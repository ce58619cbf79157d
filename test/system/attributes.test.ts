// Extended attributes, capabilities of files among them, over everything that makes or reads an archive.

import { expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getXattr, setXattr } from "../../src/linux/xattr.ts";
import { eachClient, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
// VFS_CAP_REVISION_2, effective; permitted: CAP_NET_RAW (capabilities(7), linux/capability.h).
const CAPABILITY = Buffer.from("0100000200200000000000000000000000000000", "hex");
const WORDS = Buffer.from("of the user's own");

/** A directory `bin` with a file that has both, and a tar of it. */
async function made(): Promise<{ folder: string; tar: string }> {
  const folder = join(hoy.root, unique("tree"));
  mkdirSync(join(folder, "bin"), { recursive: true });
  const file = join(folder, "bin/ping");
  writeFileSync(file, "#!/bin/sh\n", { mode: 0o755 });
  setXattr(file, "security.capability", CAPABILITY);
  setXattr(file, "user.words", WORDS);
  const tar = `${folder}.tar`;
  await packed(folder, tar);
  return { folder, tar };
}

async function packed(folder: string, tar: string): Promise<void> {
  const { code, stderr } = await command(["tar", "--xattrs", "--xattrs-include=*", "-C", folder, "-cf", tar, "."]);
  expect(`${code} ${stderr}`).toBe("0 ");
}

/** What the archive's file of this path has, as GNU tar unpacks it. */
async function attributes(tar: string, path: string): Promise<(string | undefined)[]> {
  const out = join(hoy.root, unique("out"));
  mkdirSync(out);
  const { code, stderr } = await command(["tar", "--xattrs", "--xattrs-include=*", "-C", out, "-xf", tar]);
  expect(`${code} ${stderr}`).toBe("0 ");
  const file = join(out, path);
  const found = [getXattr(file, "security.capability"), getXattr(file, "user.words")];
  rmSync(out, { recursive: true });
  return found.map((value) => value?.toString("hex"));
}

const BOTH = [CAPABILITY.toString("hex"), WORDS.toString("hex")];

eachClient(hoy, "import, export, commit, save, load and cp keep them", async (client) => {
  const { folder, tar } = await made();
  const at = (name: string) => `${folder}.${name}.tar`;
  const [image, again, name, copy] = [unique("attr"), unique("attr"), unique(), unique()];
  await ok(client("import", tar, image));
  await ok(client("create", "--name", name, image, "/bin/ping"));
  await ok(client("export", "-o", at("export"), name));
  expect(await attributes(at("export"), "bin/ping")).toEqual(BOTH);

  // Copied in, archived in the container's upper directory, and out again.
  const into = await client.with({ input: await Bun.file(tar).bytes() }, "cp", "-", `${name}:/`);
  expect(into.code).toBe(0);
  await ok(client("cp", "-a", join(folder, "bin"), `${name}:/copied`));
  await ok(client("commit", name, again));
  await ok(client("save", "-o", at("save"), again));
  await ok(client("rmi", again));
  await ok(client("load", "-i", at("save")));
  await ok(client("create", "--name", copy, again, "/bin/ping"));
  await ok(client("export", "-o", at("copy"), copy));
  expect(await attributes(at("copy"), "bin/ping")).toEqual(BOTH);
  const { stdout } = await client("cp", `${copy}:/bin/ping`, "-");
  expect(stdout).toContain("SCHILY.xattr.security.capability");
  await ok(client("rm", name, copy));
  await ok(client("rmi", image, again));
});

test("a file's capability works in a container, in its user namespace too", async () => {
  const name = unique();
  await ok(hoy.hoy("create", "--name", name, "busybox", "true"));
  const folder = join(hoy.root, unique("program"));
  mkdirSync(join(folder, "bin"), { recursive: true });
  const found = await command(["sh", "-c", "cp /bin/busybox $0/bin/busybox && cp /bin/busybox $0/bin/grep", folder]);
  expect(found.code).toBe(0);
  rmSync(join(folder, "bin/busybox"));
  setXattr(join(folder, "bin/grep"), "security.capability", CAPABILITY);
  await packed(folder, `${folder}.tar`);
  expect((await hoy.hoy.with({ input: await Bun.file(`${folder}.tar`).bytes() }, "cp", "-", `${name}:/`)).code).toBe(0);
  await ok(hoy.hoy("commit", "--change", 'CMD ["/bin/grep","CapEff","/proc/self/status"]', name, "capable"));
  expect(await ok(hoy.hoy("run", "--rm", "--user", "1000", "capable"))).toMatch(/CapEff:\s+0000000000002000/);
  expect(await ok(hoy.hoy("run", "--rm", "--user", "1000", "--userns=host", "capable"))).toMatch(/0000000000002000/);
  await ok(hoy.hoy("rm", name));
});
