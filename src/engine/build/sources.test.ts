// Sources from the web and from git repositories, and the mounts that outlive a build.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import type { ExecMount, Input, Source } from "../../build/graph.ts";
import { TestEngine } from "../testing/test-engine.ts";
import { busybox, node, run, TestBuild } from "./testing.ts";

let host: TestEngine;
const served = { body: "from the web" };
const web = Bun.serve({
  port: 0,
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/moved") return Response.redirect("/file.txt");
    if (pathname === "/round") return Response.redirect("/round");
    if (pathname === "/away") return new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } });
    if (pathname === "/missing") return new Response("no", { status: 404 });
    return new Response(served.body);
  },
});

beforeAll(async () => {
  host = new TestEngine();
  await host.open();
  await host.importBusybox();
});
afterAll(async () => {
  await web.stop(true);
  await host[Symbol.asyncDispose]();
});

const http = (path: string, change: Partial<Extract<Source, { type: "http" }>> = {}): Input =>
  node({
    kind: "source",
    type: "http",
    url: `${web.url.origin}${path}`,
    checksum: "",
    filename: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    ...change,
  });

describe("http", () => {
  test("a file by its name, through redirects", async () => {
    await using build = new TestBuild(host.engine);
    expect(await build.read(http("/file.txt"), "/file.txt")).toBe("from the web");
    expect(await build.read(http("/moved"), "/moved")).toBe("from the web");
    expect(await build.read(http("/file.txt", { filename: "own" }), "/own")).toBe("from the web");
  });

  test("what changed on the web is fetched again, what did not is from the cache", async () => {
    await using first = new TestBuild(host.engine);
    await first.solve(http("/file.txt"));
    await using second = new TestBuild(host.engine);
    await second.solve(http("/file.txt"));
    expect(second.events).toEqual(["source cached"]);
    served.body = "another day";
    await using third = new TestBuild(host.engine);
    expect(await third.read(http("/file.txt"), "/file.txt")).toBe("another day");
  });

  test("a wrong checksum, a missing file, a circle and another scheme are refused", async () => {
    await using build = new TestBuild(host.engine);
    served.body = "x";
    expect(await build.read(http("/f", { checksum: sha256("x") }), "/f")).toBe("x");
    await expect(build.solve(http("/f", { checksum: sha256("y") }))).rejects.toThrow("digest mismatch");
    await expect(build.solve(http("/missing"))).rejects.toThrow("404");
    await expect(build.solve(http("/round"))).rejects.toThrow("too many redirects");
    await expect(build.solve(http("/away"))).rejects.toThrow("not a web address");
  });
});

describe("git", () => {
  let root: string;
  let server: Bun.Subprocess;
  let url: string;
  let first: string;

  beforeAll(async () => {
    root = mkdtempSync("/tmp/hoy-git-");
    const work = join(root, "repo");
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", work, "-c", "user.name=a", "-c", "user.email=a@b", ...args], { encoding: "utf8" });
    mkdirSync(join(work, "sub"), { recursive: true });
    git("init", "-q", "-b", "main");
    writeFileSync(join(work, "file"), "one");
    writeFileSync(join(work, "sub", "inner"), "deep");
    git("add", ".");
    git("commit", "-q", "-m", "one");
    git("tag", "v1");
    first = git("rev-parse", "HEAD").trim();
    writeFileSync(join(work, "file"), "two");
    git("commit", "-q", "-a", "-m", "two");
    const port = await freePort();
    server = Bun.spawn(
      ["git", "daemon", "--reuseaddr", "--export-all", `--base-path=${root}`, "--listen=127.0.0.1", `--port=${port}`],
      { stdout: "ignore", stderr: "ignore" },
    );
    url = `git://127.0.0.1:${port}/repo/.git`;
    for (let tries = 0; tries < 100; tries++) {
      if (Bun.spawnSync(["git", "ls-remote", url]).exitCode === 0) break;
      await Bun.sleep(50);
    }
  });
  afterAll(async () => {
    server.kill();
    await server.exited;
    rmSync(root, { recursive: true, force: true });
  });

  const source = (change: Partial<Extract<Source, { type: "git" }>> = {}): Input =>
    node({ kind: "source", type: "git", url, ref: "", subdirectory: "", keepGitDir: false, checksum: "", ...change });

  test("the default branch, a tag, a commit, a subdirectory", async () => {
    await using build = new TestBuild(host.engine);
    expect(await build.read(source(), "/file")).toBe("two");
    expect(await build.read(source({ ref: "v1" }), "/file")).toBe("one");
    expect(await build.read(source({ ref: first }), "/file")).toBe("one");
    expect(await build.read(source({ subdirectory: "sub" }), "/inner")).toBe("deep");
    expect(await build.read(source(), "/.git/HEAD")).toBeUndefined();
    expect(await build.read(source({ keepGitDir: true }), "/.git/HEAD")).toBeDefined();
  });

  test("what is not there, or would be an option or a program, is refused", async () => {
    await using build = new TestBuild(host.engine);
    await expect(build.solve(source({ ref: "nowhere" }))).rejects.toThrow("does not contain ref nowhere");
    await expect(build.solve(source({ checksum: "f".repeat(40) }))).rejects.toThrow("expected checksum");
    for (const bad of ["--upload-pack=x", "ext::sh -c x", "file:///etc", "/etc"]) {
      await expect(build.solve(source({ url: bad }))).rejects.toThrow("not the address");
    }
    await expect(build.solve(source({ ref: "--x" }))).rejects.toThrow("bad git ref");
    await expect(build.solve(source({ subdirectory: "../x" }))).rejects.toThrow("bad subdirectory");
  });
});

describe("cache mounts", () => {
  const cache = (id: string, sharing: "shared" | "private" | "locked"): ExecMount => ({
    input: -1,
    selector: "",
    target: "/cache",
    readonly: false,
    output: -1,
    detail: { type: "cache", id, sharing, mode: 0o755, uid: 0, gid: 0 },
  });

  test("are kept between builds and the engine's starts, are no part of the image, and can be pruned", async () => {
    {
      await using build = new TestBuild(host.engine);
      const made = run(busybox(), "echo kept > /cache/f", { mounts: [cache("keep", "shared")] });
      expect(await build.read(made, "/cache/f")).toBeUndefined();
    }
    await host.reopen();
    await using build = new TestBuild(host.engine);
    const again = run(busybox(), "cat /cache/f > /seen", { mounts: [cache("keep", "shared")] });
    expect(await build.read(again, "/seen")).toBe("kept\n");
    const { keeper } = host.engine.solver;
    const all = { all: true, keepStorage: undefined, unusedSince: undefined };
    await keeper.prune({ ...all, matches: ({ type }) => type === "exec.cachemount" });
    expect(keeper.list().filter(({ type }) => type === "exec.cachemount")).toEqual([]);
    const empty = run(busybox(), "ls -A /cache > /listing", { mounts: [cache("keep", "shared")] });
    expect(await build.read(empty, "/listing")).toBe("");
  });

  test("a locked one is one command's at a time, a private one each has its own", async () => {
    await using build = new TestBuild(host.engine);
    const alone = (which: string, sharing: "private" | "locked") =>
      run(busybox(), `: ${which}; mkdir /cache/taken && sleep 0.3 && rmdir /cache/taken`, {
        mounts: [cache(`busy-${sharing}`, sharing)],
      });
    for (const sharing of ["locked", "private"] as const) {
      await build.solve(node({ kind: "merge" }, [alone("a", sharing), alone("b", sharing)]));
    }
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
