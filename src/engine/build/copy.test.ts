// What copies do, as a table: what the source names, where it goes, and what is there afterwards. Both drivers.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { FileChange, Input } from "../../build/graph.ts";
import { openLayers } from "../../build/ops/tree/read-file.ts";
import { readlinkat } from "../../linux/at.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";
import { S } from "../../linux/stat.ts";
import { rawToText } from "../../storage/tar/entry.ts";
import { walkTree } from "../../storage/tree/walk.ts";
import { TestEngine } from "../testing/test-engine.ts";
import { type Copy, context, copy, node, scratch, TestBuild, type TestFile, tarOf } from "./testing.ts";

const SOURCE: readonly TestFile[] = [
  { path: "a.txt", data: "a" },
  { path: "b.txt", data: "b", mode: 0o600 },
  { path: "c.md", data: "c", uid: 7 },
  { path: "link", link: "dir" },
  { path: "out", link: "../../../../a.txt" },
  { path: "abs", link: "/a.txt" },
  { path: "dir/", mode: 0o750 },
  { path: "dir/one", data: "1" },
  { path: "dir/inner/", mode: 0o711 },
  { path: "dir/inner/two", data: "2" },
  { path: "dir/inner/skip.log", data: "l" },
  { path: "dir/soft", link: "one" },
  { path: "ünï.txt", data: "u" },
];

const TARGET: readonly TestFile[] = [
  { path: "etc/" },
  { path: "etc/passwd", data: "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/app:/bin/sh\n" },
  { path: "etc/group", data: "root:x:0:\nstaff:x:50:\n" },
  { path: "lib", link: "usr/lib" },
  { path: "usr/" },
  { path: "usr/lib/", mode: 0o2755 },
  { path: "usr/lib/old", data: "old" },
  { path: "esc", link: "../../../../../usr" },
  { path: "fileln", link: "/usr/lib/old" },
  { path: "file", data: "plain" },
];

interface Row {
  readonly does: string;
  readonly change: Partial<Copy>;
  /** Path → "mode uid:gid content", "→ target" or "mode uid:gid /". Only these must be new or changed. */
  readonly gives?: Readonly<Record<string, string>>;
  readonly fails?: string;
}

const ROWS: readonly Row[] = [
  { does: "a file to a name", change: { source: "/a.txt", target: "/x" }, gives: { "/x": "644 0:0 a" } },
  {
    does: "a file into a directory by its slash",
    change: { source: "/a.txt", target: "/new/" },
    gives: { "/new": "755 0:0 /", "/new/a.txt": "644 0:0 a" },
  },
  {
    does: "a file into a directory that is there",
    change: { source: "/a.txt", target: "/etc" },
    gives: { "/etc/a.txt": "644 0:0 a" },
  },
  {
    does: "a file to a new name with its parents",
    change: { source: "/b.txt", target: "/p/q/r" },
    gives: { "/p": "755 0:0 /", "/p/q": "755 0:0 /", "/p/q/r": "600 0:0 b" },
  },
  {
    does: "a directory's contents",
    change: { source: "/dir", target: "/d" },
    gives: {
      "/d": "755 0:0 /",
      "/d/inner": "711 0:0 /",
      "/d/inner/skip.log": "644 0:0 l",
      "/d/inner/two": "644 0:0 2",
      "/d/one": "644 0:0 1",
      "/d/soft": "→ one",
    },
  },
  {
    does: "a directory itself",
    change: { source: "/dir/inner", target: "/etc", contentsOnly: false },
    gives: { "/etc/inner": "711 0:0 /", "/etc/inner/skip.log": "644 0:0 l", "/etc/inner/two": "644 0:0 2" },
  },
  {
    does: "wildcards",
    change: { source: "/*.txt", target: "/w/" },
    gives: { "/w": "755 0:0 /", "/w/a.txt": "644 0:0 a", "/w/b.txt": "600 0:0 b", "/w/ünï.txt": "644 0:0 u" },
  },
  {
    does: "a wildcard of one character",
    change: { source: "/?.md", target: "/w/" },
    gives: { "/w": "755 0:0 /", "/w/c.md": "644 7:7 c" },
  },
  {
    does: "a wildcard in the middle",
    change: { source: "/d*/inn?r/two", target: "/w/" },
    gives: { "/w": "755 0:0 /", "/w/two": "644 0:0 2" },
  },
  { does: "a wildcard that matches nothing", change: { source: "/*.nothing", target: "/w/" }, gives: {} },
  {
    does: "a wildcard that must match",
    change: { source: "/*.nothing", target: "/w/", allowEmptyWildcard: false },
    fails: '"/*.nothing": not found',
  },
  { does: "what is not there", change: { source: "/no", target: "/w/" }, fails: '"/no": not found' },
  { does: "dots at the top stay there", change: { source: "../../a.txt", target: "/x" }, gives: { "/x": "644 0:0 a" } },
  {
    does: "a link by what it leads to",
    change: { source: "/link", target: "/l/" },
    gives: {
      "/l": "755 0:0 /",
      "/l/inner": "711 0:0 /",
      "/l/inner/skip.log": "644 0:0 l",
      "/l/inner/two": "644 0:0 2",
      "/l/one": "644 0:0 1",
      "/l/soft": "→ one",
    },
  },
  { does: "a link itself", change: { source: "/link", target: "/l", followSymlink: false }, gives: { "/l": "→ dir" } },
  {
    does: "a link that climbs stays in the context",
    change: { source: "/out", target: "/x" },
    gives: { "/x": "644 0:0 a" },
  },
  {
    does: "an absolute link is of the context",
    change: { source: "/abs", target: "/x" },
    gives: { "/x": "644 0:0 a" },
  },
  {
    does: "through a link of the target",
    change: { source: "/a.txt", target: "/lib/" },
    gives: { "/usr/lib/a.txt": "644 0:0 a" },
  },
  {
    does: "through a link that climbs, inside the target",
    change: { source: "/a.txt", target: "/esc/deep/" },
    gives: { "/usr/deep": "755 0:0 /", "/usr/deep/a.txt": "644 0:0 a" },
  },
  {
    does: "over the file that a link of the target leads to",
    change: { source: "/a.txt", target: "/fileln" },
    gives: { "/usr/lib/old": "644 0:0 a" },
  },
  {
    does: "an owner by name, with its own group",
    change: { source: "/a.txt", target: "/x", owner: { user: "app", group: undefined } },
    gives: { "/x": "644 1000:1001 a" },
  },
  {
    does: "an owner by number alone",
    change: { source: "/a.txt", target: "/x", owner: { user: 12, group: undefined } },
    gives: { "/x": "644 12:12 a" },
  },
  {
    does: "an owner and a group by name",
    change: { source: "/dir/inner", target: "/n", owner: { user: "app", group: "staff" } },
    gives: { "/n": "755 1000:50 /", "/n/skip.log": "644 1000:50 l", "/n/two": "644 1000:50 2" },
  },
  {
    does: "an owner that is not there",
    change: { source: "/a.txt", target: "/x", owner: { user: "nobodyhere", group: undefined } },
    fails: "unable to find user nobodyhere",
  },
  {
    does: "a group that is not there",
    change: { source: "/a.txt", target: "/x", owner: { user: 0, group: "none" } },
    fails: "unable to find group none",
  },
  {
    does: "an octal mode",
    change: { source: "/dir/inner", target: "/n", mode: 0o700 },
    gives: { "/n": "755 0:0 /", "/n/skip.log": "700 0:0 l", "/n/two": "700 0:0 2" },
  },
  { does: "a symbolic mode", change: { source: "/b.txt", target: "/x", mode: "go+r" }, gives: { "/x": "644 0:0 b" } },
  {
    does: "all but what is excluded",
    change: { source: "/dir", target: "/d", exclude: ["**/*.log", "soft"] },
    gives: { "/d": "755 0:0 /", "/d/inner": "711 0:0 /", "/d/inner/two": "644 0:0 2", "/d/one": "644 0:0 1" },
  },
  {
    does: "an excluded directory whole",
    change: { source: "/dir", target: "/d", exclude: ["inner"] },
    gives: { "/d": "755 0:0 /", "/d/one": "644 0:0 1", "/d/soft": "→ one" },
  },
  {
    does: "excluded, with one taken back",
    change: { source: "/dir", target: "/d", exclude: ["inner", "!inner/two"] },
    gives: {
      "/d": "755 0:0 /",
      "/d/inner": "711 0:0 /",
      "/d/inner/two": "644 0:0 2",
      "/d/one": "644 0:0 1",
      "/d/soft": "→ one",
    },
  },
  {
    does: "only what is included, with its directories",
    change: { source: "/", target: "/d", include: ["dir/inner/*.log"] },
    gives: {
      "/d": "755 0:0 /",
      "/d/dir": "750 0:0 /",
      "/d/dir/inner": "711 0:0 /",
      "/d/dir/inner/skip.log": "644 0:0 l",
    },
  },
  {
    does: "excluded among wildcards",
    change: { source: "/*.txt", target: "/w/", exclude: ["b.*", "ü*"] },
    gives: { "/w": "755 0:0 /", "/w/a.txt": "644 0:0 a" },
  },
  {
    does: "with parents",
    change: { source: "/dir/inner/two", target: "/p/", parents: true },
    gives: { "/p": "755 0:0 /", "/p/dir": "750 0:0 /", "/p/dir/inner": "711 0:0 /", "/p/dir/inner/two": "644 0:0 2" },
  },
  {
    does: "with parents from a pivot",
    change: { source: "/dir/./inner/two", target: "/p/", parents: true },
    gives: { "/p": "755 0:0 /", "/p/inner": "711 0:0 /", "/p/inner/two": "644 0:0 2" },
  },
  {
    does: "with parents and any depth",
    change: { source: "/**/two", target: "/p/", parents: true },
    gives: { "/p": "755 0:0 /", "/p/dir": "750 0:0 /", "/p/dir/inner": "711 0:0 /", "/p/dir/inner/two": "644 0:0 2" },
  },
  { does: "a directory over a file", change: { source: "/dir", target: "/file" }, fails: "not a directory: /file" },
  {
    does: "a directory inside over a file, which is refused",
    change: { source: "/", target: "/usr", include: ["dir"] },
    gives: {
      "/usr/dir": "750 0:0 /",
      "/usr/dir/inner": "711 0:0 /",
      "/usr/dir/inner/skip.log": "644 0:0 l",
      "/usr/dir/inner/two": "644 0:0 2",
      "/usr/dir/one": "644 0:0 1",
      "/usr/dir/soft": "→ one",
    },
  },
  {
    does: "no target made when it may not be",
    change: { source: "/a.txt", target: "/no/where/x", createTarget: false },
    fails: "failed to stat /no/where/x",
  },
  { does: "a time of its own", change: { source: "/a.txt", target: "/x", created: 42 }, gives: { "/x": "644 0:0 a" } },
];

const OTHERS: readonly {
  readonly does: string;
  readonly actions: readonly FileChange[];
  readonly gives?: Row["gives"];
  readonly gone?: readonly string[];
  readonly fails?: string;
}[] = [
  {
    does: "a file is made",
    actions: [
      {
        type: "file",
        path: "/usr/f",
        data: Buffer.from("hi"),
        mode: 0o640,
        owner: { user: "app", group: undefined },
        created: undefined,
      },
    ],
    gives: { "/usr/f": "640 1000:1001 hi" },
  },
  {
    does: "a file needs its directory",
    actions: [
      { type: "file", path: "/no/f", data: Buffer.from(""), mode: 0o640, owner: undefined, created: undefined },
    ],
    fails: "no such file or directory",
  },
  {
    does: "directories are made with parents",
    actions: [
      { type: "directory", path: "/lib/x/y", mode: 0o700, parents: true, owner: undefined, created: undefined },
    ],
    gives: { "/usr/lib/x": "700 0:0 /", "/usr/lib/x/y": "700 0:0 /" },
  },
  {
    does: "a directory that is there is let be",
    actions: [{ type: "directory", path: "/usr", mode: 0o700, parents: true, owner: undefined, created: undefined }],
    gives: {},
  },
  {
    does: "a directory over a file",
    actions: [{ type: "directory", path: "/file", mode: 0o700, parents: true, owner: undefined, created: undefined }],
    fails: "not a directory",
  },
  {
    does: "a link is made",
    actions: [{ type: "symlink", path: "/usr/l", target: "../x", owner: undefined, created: undefined }],
    gives: { "/usr/l": "→ ../x" },
  },
  {
    does: "a file is removed",
    actions: [{ type: "remove", path: "/usr/lib/old", allowMissing: false, allowWildcard: false }],
    gives: {},
    gone: ["/usr/lib/old"],
  },
  {
    does: "a link is removed, not what it leads to",
    actions: [{ type: "remove", path: "/lib", allowMissing: false, allowWildcard: false }],
    gives: {},
    gone: ["/lib"],
  },
  {
    does: "a tree is removed, and made again empty",
    actions: [
      { type: "remove", path: "/usr", allowMissing: false, allowWildcard: false },
      { type: "directory", path: "/usr", mode: 0o755, parents: false, owner: undefined, created: undefined },
    ],
    gives: {},
    gone: ["/usr/lib", "/usr/lib/old"],
  },
  {
    does: "wildcards are removed",
    actions: [{ type: "remove", path: "/etc/pass*", allowMissing: false, allowWildcard: true }],
    gives: {},
    gone: ["/etc/passwd"],
  },
  {
    does: "nothing to remove is said",
    actions: [{ type: "remove", path: "/none", allowMissing: false, allowWildcard: false }],
    fails: "lstat /none: no such file or directory",
  },
  {
    does: "nothing to remove may be let be",
    actions: [{ type: "remove", path: "/none", allowMissing: true, allowWildcard: false }],
    gives: {},
  },
];

for (const storageDriver of ["erofs", "overlay"] as const) {
  describe(`file operations on ${storageDriver}`, () => {
    let host: TestEngine;
    let build: TestBuild;
    let before: Map<string, string>;

    beforeAll(async () => {
      host = new TestEngine({ storageDriver });
      await host.open();
      build = new TestBuild(host.engine);
      build.files.set("context", SOURCE);
      build.files.set("target", TARGET);
      before = await listing(context("target"));
    });
    afterAll(async () => {
      await build[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    });

    async function listing(target: Input): Promise<Map<string, string>> {
      const { diffIds } = await build.solve(target);
      using root = await openLayers(host.engine.solver.needs.layers, diffIds);
      const found = new Map<string, string>();
      for (const { path, fd, status } of walkTree(root.fd)) {
        const type = status.mode & S.IFMT;
        const head = `${(status.mode & 0o7777).toString(8)} ${status.uid}:${status.gid}`;
        const text =
          type === S.IFLNK ? `→ ${readlinkat(fd, "")}` : type === S.IFDIR ? `${head} /` : `${head} ${read(fd)}`;
        found.set(`/${rawToText(path)}`, text);
      }
      return found;
    }

    function changes(after: Map<string, string>): { gives: Record<string, string>; gone: string[] } {
      const gives = [...after].filter(([path, text]) => before.get(path) !== text).sort();
      return { gives: Object.fromEntries(gives), gone: [...before.keys()].filter((path) => !after.has(path)) };
    }

    test.each(ROWS.map((row) => [row.does, row] as const))("copy: %s", async (_, { change, gives, fails }) => {
      const target = copy(context("target"), context(), change);
      if (fails !== undefined) {
        await expect(build.solve(target)).rejects.toThrow(fails);
        return;
      }
      expect(changes(await listing(target))).toEqual({ gives: gives ?? {}, gone: [] });
    });

    test.each(OTHERS.map((row) => [row.does, row] as const))("%s", async (_, { actions, gives, gone = [], fails }) => {
      const steps = actions.map((action, index) => ({
        input: index,
        secondary: -1,
        output: index === actions.length - 1 ? 0 : -1,
        action,
      }));
      const target = node({ kind: "file", actions: steps }, [context("target")]);
      if (fails !== undefined) {
        await expect(build.solve(target)).rejects.toThrow(fails);
        return;
      }
      expect(changes(await listing(target))).toEqual({ gives: gives ?? {}, gone: [...gone] });
    });

    test("an archive is unpacked where it is wanted, by what is in it", async () => {
      const inner = tarOf([
        { path: "lib/new", data: "new" },
        { path: "usr/lib/old", data: "fresh" },
        { path: "esc/up", data: "up" },
      ]);
      build.files.set("archives", [
        { path: "any.name", data: inner.toString("latin1") },
        { path: "text.tar", data: "no archive" },
      ]);
      const unpack = { source: "/*", target: "/", unpack: true } as const;
      const { gives } = changes(await listing(copy(context("target"), context("archives"), unpack)));
      expect(gives).toEqual({
        "/text.tar": "644 0:0 no archive",
        "/usr/lib/new": "644 0:0 new",
        "/usr/lib/old": "644 0:0 fresh",
        "/usr/up": "644 0:0 up",
      });
    });

    test("a hostile archive is refused", async () => {
      build.files.set("hostile", [
        { path: "x.tar", data: tarOf([{ path: "../../out", data: "x" }]).toString("latin1") },
      ]);
      const target = copy(scratch(), context("hostile"), { source: "/x.tar", target: "/d/", unpack: true });
      await expect(build.solve(target)).rejects.toThrow('name with ".."');
    });

    test("directories that are only gone through keep what they are", async () => {
      expect(
        (await listing(copy(context("target"), context(), { source: "/a.txt", target: "/usr/lib/" }))).get("/usr/lib"),
      ).toBe("2755 0:0 /");
    });
  });
}

function read(fd: number): string {
  using file = new OwnedFd(openat2(-100, `/proc/self/fd/${fd}`, { flags: O.RDONLY }));
  return readFileSync(file.fd, "utf8");
}
