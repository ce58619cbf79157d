// What hoy does with volumes and Docker does not: other names, files in and out without a container, snapshots.

import { describe, expect, test } from "bun:test";
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { mountPointsUnder } from "../../src/linux/mount-table.ts";
import { fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const { hoy: client } = hoy;
const NET = ["--network", "none"];
const dataOf = (name: string) => join(hoy.data, "volumes", name, "_data");

async function volumeWith(files: Readonly<Record<string, string>>): Promise<string> {
  const name = unique("v");
  await ok(client("volume", "create", "--label", "color=red", name));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dataOf(name), path, ".."), { recursive: true });
    writeFileSync(join(dataOf(name), path), text);
  }
  return name;
}

describe("volume rename", () => {
  test("keeps contents and labels, and holds over a kill -9", async () => {
    const name = await volumeWith({ file: "kept" });
    const next = unique("v");
    await ok(client("volume", "rename", name, next));
    await hoy.restart("SIGKILL");
    await fails(client("volume", "inspect", name), 1, "no such volume");
    expect(await ok(client("volume", "inspect", "-f", "{{.Labels.color}} {{.Mountpoint}}", next))).toBe(
      `red ${dataOf(next)}`,
    );
    expect(readFileSync(join(dataOf(next), "file"), "utf8")).toBe("kept");
    await ok(client("volume", "rm", next));
  });

  test("an anonymous volume that gets a name is no longer pruned", async () => {
    const name = await ok(client("volume", "create"));
    const next = unique("v");
    await ok(client("volume", "rename", name, next));
    await ok(client("volume", "prune", "-f"));
    await ok(client("volume", "rm", next));
  });

  test("is refused for a taken name, a bad one, one in use, and what is not there", async () => {
    const [name, other] = [await volumeWith({}), await volumeWith({})];
    await fails(client("volume", "rename", name, other), 1, `volume ${other} exists already`);
    await fails(client("volume", "rename", name, "../x"), 1, "includes invalid characters");
    await fails(client("volume", "rename", "nosuch", "other"), 1, "no such volume");
    const container = unique();
    const id = await ok(client("create", "--name", container, ...NET, "-v", `${name}:/d`, "busybox", "true"));
    await fails(client("volume", "rename", name, unique("v")), 1, `volume is in use - [${id}]`);
    await ok(client("rm", container));
    await ok(client("volume", "rm", name, other));
  });
});

describe("volume cp", () => {
  test("into and out of a volume, files and directories, owners kept", async () => {
    const name = await volumeWith({});
    const directory = join(hoy.root, unique("dir"));
    mkdirSync(join(directory, "sub"), { recursive: true });
    writeFileSync(join(directory, "sub", "file"), "text");
    chownSync(join(directory, "sub", "file"), 1000, 1001);
    await ok(client("volume", "cp", directory, `${name}:/tree`));
    expect(statSync(join(dataOf(name), "tree", "sub", "file"))).toMatchObject({ uid: 1000, gid: 1001 });
    const out = join(hoy.root, unique("out"));
    await ok(client("volume", "cp", `${name}:/tree/sub/file`, out));
    expect(readFileSync(out, "utf8")).toBe("text");
    await fails(client("volume", "cp", `${name}:/nosuch`, out), 1, `Could not find the file /nosuch in volume ${name}`);
    await fails(client("volume", "cp", "nosuch:/x", out), 1, "no such volume");
    await fails(client("volume", "cp", `${name}:/x`, `${name}:/y`), 1, "copying between volumes is not supported");
    await ok(client("volume", "rm", name));
  });

  test("a link in the volume leads nowhere on the host", async () => {
    const name = await volumeWith({});
    symlinkSync("/etc", join(dataOf(name), "out"));
    symlinkSync("../../../..", join(dataOf(name), "up"));
    const source = join(hoy.root, unique("file"));
    writeFileSync(source, "x");
    await fails(client("volume", "cp", source, `${name}:/out/hoy-test-escaped`), 1, "Could not find");
    await ok(client("volume", "cp", source, `${name}:/up/inside`));
    expect(existsSync("/etc/hoy-test-escaped")).toBe(false);
    expect(readFileSync(join(dataOf(name), "inside"), "utf8")).toBe("x");
    await ok(client("volume", "rm", name));
  });

  test("a volume with a device is mounted for as long as it takes", async () => {
    const name = unique("v");
    const directory = join(hoy.root, unique("bind"));
    mkdirSync(directory);
    await ok(client("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", `device=${directory}`, name));
    const source = join(hoy.root, unique("file"));
    writeFileSync(source, "through");
    await ok(client("volume", "cp", source, `${name}:/file`));
    expect(readFileSync(join(directory, "file"), "utf8")).toBe("through");
    expect(mountPointsUnder(join(hoy.data, "volumes"))).toEqual([]);
    await ok(client("volume", "rm", name));
  });
});

describe("snapshots", () => {
  test("keep a volume as it was; restore brings it back", async () => {
    const name = await volumeWith({ "a/one": "first", two: "second" });
    linkSync(join(dataOf(name), "two"), join(dataOf(name), "a", "hard"));
    symlinkSync("two", join(dataOf(name), "soft"));
    chownSync(join(dataOf(name), "a"), 1000, 1001);
    const snapshot = unique("s");
    expect(await ok(client("volume", "snapshot", name, snapshot))).toBe(snapshot);
    writeFileSync(join(dataOf(name), "a", "one"), "changed");
    writeFileSync(join(dataOf(name), "three"), "new");
    expect(
      await ok(
        client("run", "--rm", ...NET, "-v", `${snapshot}:/s`, "busybox", "cat", "/s/a/one", "/s/a/hard", "/s/soft"),
      ),
    ).toBe("firstsecondsecond");
    expect(await ok(client("volume", "restore", name, snapshot))).toBe(name);
    expect(readFileSync(join(dataOf(name), "a", "one"), "utf8")).toBe("first");
    expect(existsSync(join(dataOf(name), "three"))).toBe(false);
    expect(statSync(join(dataOf(name), "a"))).toMatchObject({ uid: 1000, gid: 1001 });
    expect(statSync(join(dataOf(name), "two")).nlink).toBe(2);
    await ok(client("volume", "rm", name, snapshot));
  });

  test("are volumes with a label, named by the engine when not by the user, and never pruned", async () => {
    const name = await volumeWith({ file: "x" });
    const snapshot = await ok(client("volume", "snapshot", name));
    expect(snapshot).toMatch(new RegExp(`^${name}-\\d{8}T\\d{6}Z$`));
    expect(await ok(client("volume", "ls", "-q", "--filter", `label=hoy.snapshot.of=${name}`))).toBe(snapshot);
    await ok(client("volume", "prune", "-f", "--all"));
    await fails(client("volume", "inspect", name), 1, "no such volume");
    await ok(client("volume", "rm", snapshot));
  });

  test("of a volume that is in use; restoring that is refused", async () => {
    const name = await volumeWith({ file: "x" });
    const container = unique();
    await ok(client("run", "-d", "--name", container, ...NET, "-v", `${name}:/d`, "busybox", "sleep", "1000"));
    const snapshot = await ok(client("volume", "snapshot", name, unique("s")));
    expect(readFileSync(join(dataOf(snapshot), "file"), "utf8")).toBe("x");
    expect(await ok(client("exec", container, "cat", "/d/file"))).toBe("x");
    await fails(client("volume", "restore", name, snapshot), 1, "volume is in use - [");
    await ok(client("rm", "-f", container));
    await fails(client("volume", "snapshot", name, snapshot), 1, "exists already");
    await fails(client("volume", "restore", name, "nosuch"), 1, "no such volume");
    await ok(client("volume", "rm", name, snapshot));
  });
});
