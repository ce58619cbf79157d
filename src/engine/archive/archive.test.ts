import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { PathStat } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { ContainerSource } from "../images/contract.ts";
import { cut, gather, NEVER, type SeenEvent, tar } from "../images/testing.ts";
import { Archives } from "./backend.ts";
import { goBase, goMode } from "./stat.ts";

const asRoot = process.getuid?.() === 0;

let top: string;
let source: ContainerSource;
let archives: Archives;
let events: SeenEvent[];
let held: number;
let removed: boolean;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "hoy-archive-"));
  for (const name of ["lower/etc", "lower/bin", "upper", "work", "volume", "outside"]) {
    mkdirSync(join(top, name), { recursive: true });
  }
  writeFileSync(join(top, "lower/etc/passwd"), "app:x:1000:1001::/:\n");
  writeFileSync(join(top, "lower/bin/tool"), "tool", { mode: 0o4755 });
  chmodSync(join(top, "lower/bin/tool"), 0o4755);
  writeFileSync(join(top, "outside/secret"), "of the host");
  held = 0;
  removed = false;
  events = [];
  source = {
    id: "c1",
    imageId: "",
    config: {},
    created: "",
    lowers: [join(top, "lower")],
    upper: join(top, "upper"),
    work: join(top, "work"),
    idMap: undefined,
    readonlyRootfs: false,
    attributes: { name: "c" },
    mountPoints: ["/data", "/scratch"],
    mounts: [{ type: "bind", source: join(top, "volume"), subpath: "", name: "", destination: "/data", rw: true }],
    checkPresent: () => {
      if (removed) throw new HoyError("conflict", "container c1 is being removed");
    },
    freeze: async () => async () => undefined,
    hold: async () => {
      held++;
      let done = false;
      return {
        pid: undefined,
        release: () => {
          if (!done) held--;
          done = true;
        },
      };
    },
  };
  archives = new Archives({ find: async () => source, users: () => [] }, (type, action, actor) =>
    events.push({ type, action, id: actor.ID, attributes: actor.Attributes }),
  );
});
afterEach(() => {
  expect(held).toBe(0);
  rmSync(top, { recursive: true, force: true });
});

const stat = (path: string) => archives.archiveStat("c", path);

async function get(path: string): Promise<{ stat: PathStat; names: string[] }> {
  const archive = await archives.archiveGet("c", path, NEVER);
  const bytes = await gather(archive.tar);
  const list = Bun.spawnSync(["tar", "-tf", "-"], { stdin: bytes });
  expect(list.exitCode).toBe(0);
  return { stat: archive.stat, names: list.stdout.toString().split("\n").filter(Boolean) };
}

const put = (
  path: string,
  files: Parameters<typeof tar>[0] | Buffer,
  more: { noOverwrite?: boolean; copy?: boolean } = {},
) =>
  archives.archivePut(
    "c",
    { path, noOverwriteDirNonDir: more.noOverwrite ?? false, copyUidGid: more.copy ?? false },
    cut(Buffer.isBuffer(files) ? files : tar(files)),
    NEVER,
  );

/** A file as the container would see it. */
const seen = (path: string) => {
  const upper = join(top, "upper", path);
  return readFileSync(existsSync(upper) ? upper : join(top, "lower", path), "utf8");
};

describe.skipIf(!asRoot)("archives of a container that is down (needs root)", () => {
  test("stat says what Go would", async () => {
    expect(await stat("/bin/tool")).toMatchObject({ name: "tool", size: 4, mode: 0o755 + 2 ** 23, linkTarget: "" });
    expect((await stat("bin")).mode).toBe(0o755 + 2 ** 31);
    expect((await stat("/")).name).toBe("/");
    expect((await stat("/bin/tool")).mtime).toMatch(/^\d{4}-.*Z$/);
    await expect(stat("/nothing")).rejects.toThrow("Could not find the file /nothing in container c");
    await expect(stat("/bin/tool/below")).rejects.toThrow("Could not find the file");
    await expect(stat("/bin\0/x")).rejects.toThrow();
  });

  test("links are led inside the container", async () => {
    symlinkSync("/etc", join(top, "upper/abs"));
    symlinkSync("../../../../etc/passwd", join(top, "upper/climb"));
    symlinkSync(join(top, "outside"), join(top, "upper/host"));
    symlinkSync("loop", join(top, "upper/loop"));
    expect((await stat("/abs")).linkTarget).toBe("/etc");
    expect((await stat("/abs")).mode).toBe(0o777 + 2 ** 27);
    expect((await stat("/abs/")).mode).toBe(0o755 + 2 ** 31);
    expect((await stat("/abs/passwd")).size).toBe(20);
    expect((await stat("/climb")).linkTarget).toBe("/etc/passwd");
    expect((await stat("/host")).linkTarget).toBe(join(top, "outside"));
    await expect(stat("/host/secret")).rejects.toThrow("Could not find the file");
    await expect(stat("/loop")).rejects.toThrow("too many levels of symbolic links");
    await expect(get("/host/secret")).rejects.toThrow("Could not find the file");
    await expect(put("/host", { x: "1" })).rejects.toThrow("Could not find the file");
    expect(readdirSync(join(top, "outside"))).toEqual(["secret"]);
  });

  test("get names the top as the path ends", async () => {
    expect((await get("/etc")).names).toEqual(["etc/", "etc/passwd"]);
    expect((await get("/etc/")).names).toEqual(["etc/", "etc/passwd"]);
    expect((await get("/etc/.")).names).toEqual(["./", "./passwd"]);
    expect((await get("/etc/passwd")).names).toEqual(["passwd"]);
    expect((await get("/")).names).toEqual(["/", "/bin/", "/bin/tool", "/etc/", "/etc/passwd"]);
    symlinkSync("/etc", join(top, "upper/abs"));
    expect((await get("/abs")).names).toEqual(["abs"]);
    expect((await get("/abs/")).names).toEqual(["abs/", "abs/passwd"]);
    expect(events.at(-1)).toMatchObject({ action: "archive-path", attributes: { name: "c" } });
  });

  test("a stream that is left or never begun lets the container go", async () => {
    const begun = await archives.archiveGet("c", "/", NEVER);
    for await (const _ of begun.tar) break;
    const abort = new AbortController();
    await archives.archiveGet("c", "/", abort.signal);
    expect(held).toBe(1);
    abort.abort();
    expect(held).toBe(0);
  });

  test("put unpacks, through links too, and from any compression", async () => {
    await put("/etc", { new: "1", "sub/deep": "2" });
    expect(seen("etc/new")).toBe("1");
    expect(seen("etc/sub/deep")).toBe("2");
    symlinkSync("/etc", join(top, "upper/abs"));
    await put("/abs", gzipSync(tar({ packed: "3" })));
    expect(seen("etc/packed")).toBe("3");
    expect(events.map((event) => event.action)).toEqual(["extract-to-dir", "extract-to-dir"]);
  });

  test("put keeps owners, or gives all to the container's user", async () => {
    await put("/", { a: { data: "x", uid: 5, gid: 6 } });
    expect(lstatSync(join(top, "upper/a"))).toMatchObject({ uid: 5, gid: 6 });
    source = { ...source, config: { User: "app" } };
    await put("/", { b: { data: "x", uid: 5, gid: 6 } }, { copy: true });
    expect(lstatSync(join(top, "upper/b"))).toMatchObject({ uid: 1000, gid: 1001 });
    source = { ...source, config: { User: "nobody-here" } };
    await expect(put("/", { c: "x" }, { copy: true })).rejects.toThrow("unable to find user nobody-here");
  });

  test("put refuses what it must", async () => {
    await expect(put("/nothing", { a: "1" })).rejects.toThrow("Could not find the file /nothing in container c");
    await expect(put("/etc/passwd", { a: "1" })).rejects.toThrow("extraction point is not a directory");
    await expect(put("/", { etc: "a file" }, { noOverwrite: true })).rejects.toThrow("cannot overwrite directory");
    await expect(put("/", { "../../evil": "x" })).rejects.toThrow();
    await expect(put("/", Buffer.alloc(700, "no"))).rejects.toThrow("invalid tar archive");
    source = { ...source, readonlyRootfs: true };
    await expect(put("/etc", { a: "1" })).rejects.toThrow("container rootfs is marked read-only");
    expect(existsSync(join(dirname(top), "evil"))).toBe(false);
  });

  test("what lies in a volume is found in the volume", async () => {
    writeFileSync(join(top, "volume/file"), "in the volume");
    symlinkSync("/data", join(top, "upper/link"));
    expect((await stat("/data/file")).size).toBe(13);
    expect((await get("/data")).names).toEqual(["data/", "data/file"]);
    expect((await stat("/link/file")).size).toBe(13);
    source = { ...source, readonlyRootfs: true };
    await put("/data", { put: "1" });
    await put("/link", { through: "2" });
    expect(readdirSync(join(top, "volume")).sort()).toEqual(["file", "put", "through"]);
    symlinkSync(join(top, "outside"), join(top, "volume/out"));
    await expect(stat("/data/out/secret")).rejects.toThrow("Could not find the file");
    source = { ...source, mounts: source.mounts.map((mount) => ({ ...mount, rw: false })) };
    await expect(put("/data", { put: "1" })).rejects.toThrow("mounted volume is marked read-only");
  });

  test("a single file that is mounted is that file", async () => {
    const file = join(top, "outside/secret");
    source = {
      ...source,
      mounts: [{ type: "bind", source: file, subpath: "", name: "", destination: "/etc/conf", rw: true }],
    };
    expect((await stat("/etc/conf")).size).toBe(11);
    expect((await get("/etc/conf")).stat.name).toBe("conf");
    await expect(put("/etc/conf", { a: "1" })).rejects.toThrow("extraction point is not a directory");
  });

  test("diff shows changes, and no mount points", async () => {
    await put("/", { "etc/passwd": "changed", "new/file": "x" });
    mkdirSync(join(top, "upper/data"));
    for (const made of ["proc", "scratch", "dev/pts", "sys/fs/cgroup"])
      mkdirSync(join(top, "upper", made), { recursive: true });
    writeFileSync(join(top, "upper/etc/hosts"), "");
    const changes = await archives.changes("c");
    expect(changes).toEqual([
      { Path: "/etc", Kind: 0 },
      { Path: "/etc/passwd", Kind: 0 },
      { Path: "/new", Kind: 1 },
      { Path: "/new/file", Kind: 1 },
    ]);
    writeFileSync(join(top, "upper/data/hidden"), "somebody's");
    chmodSync(join(top, "upper/dev"), 0o700);
    expect((await archives.changes("c")).map((change) => change.Path)).toContain("/data/hidden");
  });

  test("a directory that only had a mount point made in it is no change", async () => {
    mkdirSync(join(top, "upper/etc"));
    writeFileSync(join(top, "upper/etc/resolv.conf"), "");
    expect(await archives.changes("c")).toEqual([]);
    chownSync(join(top, "upper/etc"), 7, 7);
    expect(await archives.changes("c")).toEqual([{ Path: "/etc", Kind: 0 }]);
  });

  test("export is the whole tree", async () => {
    writeFileSync(join(top, "upper/added"), "x");
    const bytes = await gather(await archives.export("c", NEVER));
    const list = Bun.spawnSync(["tar", "-tf", "-"], { stdin: bytes });
    expect(list.stdout.toString().split("\n").filter(Boolean)).toEqual([
      "added",
      "bin/",
      "bin/tool",
      "etc/",
      "etc/passwd",
    ]);
    expect(events.at(-1)?.action).toBe("export");
  });
});

test("Go's modes and base names", () => {
  expect(goMode({ mode: 0o020666 })).toBe(0o666 + 2 ** 26 + 2 ** 21);
  expect(goMode({ mode: 0o060660 })).toBe(0o660 + 2 ** 26);
  expect(goMode({ mode: 0o010644 })).toBe(0o644 + 2 ** 25);
  expect(goMode({ mode: 0o140755 })).toBe(0o755 + 2 ** 24);
  expect(goMode({ mode: 0o041777 })).toBe(0o777 + 2 ** 31 + 2 ** 20);
  expect(goMode({ mode: 0o102755 })).toBe(0o755 + 2 ** 22);
  expect([goBase("/a/b"), goBase("/a/b/"), goBase("/"), goBase("/a/.")]).toEqual(["b", "b", "/", "."]);
  expect([goBase("a/.."), goBase("/a/b/../"), goBase(""), goBase(".")]).toEqual(["/", "a", "/", "."]);
});

test("what is read of a container that goes meanwhile is not passed off as the whole", async () => {
  const ends = async (tar: AsyncIterable<Uint8Array>) => {
    for await (const _ of tar) removed = true;
  };
  await expect(ends(await archives.export("c", new AbortController().signal))).rejects.toThrow("is being removed");
  await expect(archives.changes("c")).rejects.toThrow("is being removed");
  // The files that were missing are not what is told.
  rmSync(join(top, "upper"), { recursive: true });
  await expect(archives.changes("c")).rejects.toThrow("is being removed");
});
