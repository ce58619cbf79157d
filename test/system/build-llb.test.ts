// LLB of frontends other than the Dockerfile's, executed: every op by what it makes, and processes in containers on
// results. The client here marshals definitions as BuildKit's does.

import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../src/base/digest.ts";
import { Control } from "../../src/build/buildkit/proto/gen/control_pb.ts";
import { LLBBridge } from "../../src/build/buildkit/proto/gen/gateway_pb.ts";
import { eventually, ok } from "../harness/clients.ts";
import { command, start } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { openLlb } from "../harness/llb.ts";
import { busybox, files, marshal, op, run, source } from "../harness/llb-ops.ts";

const hoy = await testDaemon();
const directory = join(hoy.root, "lent");
mkdirSync(join(directory, "d"), { recursive: true });
writeFileSync(join(directory, "a.txt"), "A");
writeFileSync(join(directory, "b.md"), "B");
writeFileSync(join(directory, "d/c.txt"), "C");
await ok(command(["tar", "-cf", join(directory, "packed.tar"), "-C", directory, "d"]));
const llb = await openLlb(hoy.socket, { lent: directory });
hoy.beforeClose.push(async () => llb[Symbol.asyncDispose]());

const mkfile = (path: string, text: string, change = {}) => ({
  input: -1n,
  secondaryInput: -1n,
  output: 0n,
  action: { case: "mkfile", value: { path, mode: 0o644, data: Buffer.from(text), timestamp: -1n } },
  ...change,
});
const copy = (src: string, dest: string, value = {}) => ({
  input: 0n,
  secondaryInput: 1n,
  output: 0n,
  action: {
    case: "copy",
    value: {
      src,
      dest,
      mode: -1,
      timestamp: -1n,
      createDestPath: true,
      allowWildcard: true,
      dirCopyContents: true,
      ...value,
    },
  },
});
/** A tree of one file. */
const file = (path: string, text: string) => files([], mkfile(path, text));

describe("sources", () => {
  test("an image; a directory of the client, by patterns", async () => {
    expect(await llb.list(busybox(), "/")).toContain("bin");
    const local = (attrs: Record<string, string>) => source("local://lent", attrs);
    expect(await llb.list(local({}), "/")).toEqual(["a.txt", "b.md", "d", "packed.tar"]);
    expect(await llb.list(local({ "local.includepattern": '["*.txt"]' }), "/")).toEqual(["a.txt"]);
    expect(await llb.list(local({ "local.excludepatterns": '["*.md","d","*.tar"]' }), "/")).toEqual(["a.txt"]);
  });

  test("a URL, by its checksum; a repository that is not there", async () => {
    const port = 8123;
    const server = start([...hoy.inside, "busybox", "httpd", "-f", "-p", `127.0.0.1:${port}`, "-h", directory]);
    try {
      const url = `http://127.0.0.1:${port}/a.txt`;
      const digest = sha256("A");
      const fetched = source(url, { "http.checksum": digest, "http.filename": "as", "http.perm": "0400" });
      await eventually(() => llb.solve(fetched).then(Boolean, () => false), "the server answers");
      expect(await llb.read(fetched, "/as")).toBe("A");
      await expect(llb.solve(source(url, { "http.checksum": sha256("B") }))).rejects.toThrow(digest);
    } finally {
      server.kill("SIGKILL");
      await server.exited;
    }
    const git = source("git://127.0.0.1:1/r.git#main", { "git.fullurl": "http://127.0.0.1:1/r.git" });
    await expect(llb.solve(git)).rejects.toThrow("127.0.0.1:1");
  });

  test("what is unknown is refused by name", async () => {
    await expect(llb.solve(source("docker-image://busybox", { "image.new": "1" }))).rejects.toThrow("image.new");
    await expect(llb.solve(source("blob://x"))).rejects.toThrow("blob://x");
  });
});

test("a definition that is given to the solver itself becomes an image", async () => {
  const definition = marshal(run(busybox(), "echo straight > /s"));
  const exporters = [{ type: "moby", attrs: { name: "straight:1" } }];
  const request = { ref: "straight", session: llb.session, definition, exporters };
  const { exporterResponse } = await llb.control.unary(Control.method.solve, request, {
    signal: AbortSignal.timeout(40_000),
  });
  expect(exporterResponse["image.name"]).toBe("docker.io/library/straight:1");
  expect(await ok(hoy.hoy("run", "--rm", "--network", "none", "straight:1", "/bin/cat", "/s"))).toBe("straight");
});

describe("commands", () => {
  test("user, directory, variables, host names, and what they change of the root", async () => {
    const meta = {
      args: ["/bin/sh", "-c", "id -u > out; pwd >> out; echo $V >> out; grep extra /etc/hosts >> out; hostname >> out"],
      cwd: "/w",
      user: "5:6",
      env: ["PATH=/bin", "V=value"],
      extraHosts: [{ host: "extra", ip: "192.0.2.7" }],
      hostname: "named",
    };
    const made = run(run(busybox(), "mkdir -m 777 /w"), "", { meta });
    expect(await llb.read(made, "/w/out")).toMatch(/^5\n\/w\nvalue\n192\.0\.2\.7\s+extra\nnamed\n$/);
  });

  test("mounts: a part of another tree, read-only, writable, as an output; memory; a cache that stays", async () => {
    const other = files([], mkfile("/in", "mounted"), {
      ...mkfile("/sub/deep", "part", { input: 0n }),
      action: { case: "mkdir", value: { path: "/sub", mode: 0o755, makeParents: true, timestamp: -1n } },
      output: 0n,
    });
    const mounts = [
      { input: 1n, dest: "/ro", output: -1n, readonly: true },
      { input: 1n, dest: "/out", output: 1n },
      { input: -1n, dest: "/mem", output: -1n, mountType: 4, tmpfs: { size: 1_048_576n } },
      { input: -1n, dest: "/cache", output: -1n, mountType: 3, cache: { id: "llb", sharing: 0 } },
    ];
    const more = { mounts, with: [other] };
    const script =
      "echo $(cat /ro/in) $(stat -fc %T /mem) > /seen; echo more >> /out/in; echo x >> /cache/n; touch /ro/no 2>/dev/null || echo refused >> /seen";
    const made = run(busybox(), script, more);
    expect(await llb.read(made, "/seen")).toBe("mounted tmpfs\nrefused\n");
    expect(await llb.read({ ...made, output: 1 }, "/in")).toBe("mountedmore\n");
    expect(await llb.read(run(busybox(), "wc -l < /cache/n > /n; : again", { mounts: mounts.slice(3) }), "/n")).toBe(
      "1\n",
    );
  });

  test("other exit codes than 0 are good ones where the definition says so, and 0 then is none", async () => {
    const codes = (...validExitCodes: number[]) => ({ meta: { validExitCodes } });
    expect(await llb.read(run(busybox(), "echo kept > /f; exit 3", codes(7, 3)), "/f")).toBe("kept\n");
    await expect(llb.solve(run(busybox(), "exit 4", codes(7, 3)))).rejects.toThrow("exit code: 4");
    await expect(llb.solve(run(busybox(), "true", codes(3)))).rejects.toThrow("exit code: 0");
  });

  test("one that fails says so; one that asks for more than it was granted does not run", async () => {
    await expect(llb.solve(run(busybox(), "exit 9"))).rejects.toThrow("exit code: 9");
    await expect(llb.solve(run(busybox(), "true", { security: 1 }))).rejects.toThrow(
      "security.insecure is not allowed",
    );
    await expect(llb.solve(run(busybox(), "true", { network: 1 }))).rejects.toThrow("network.host is not allowed");
  });
});

describe("file operations", () => {
  test("files, directories, links, owners, removal, one after the other in one op", async () => {
    const by = (action: object, input: bigint, output = -1n) => ({ input, secondaryInput: -1n, output, action });
    const made = files(
      [busybox()],
      by({ case: "mkdir", value: { path: "/x/y", mode: 0o750, makeParents: true, timestamp: -1n } }, 0n),
      by(
        {
          case: "mkfile",
          value: {
            path: "/x/y/f",
            mode: 0o600,
            data: Buffer.from("F"),
            timestamp: -1n,
            owner: { user: { user: { case: "byId", value: 7 } } },
          },
        },
        1n,
      ),
      by({ case: "symlink", value: { oldpath: "y/f", newpath: "/x/l", timestamp: -1n } }, 2n),
      by({ case: "rm", value: { path: "/home" } }, 3n, 0n),
    );
    const look = run(
      made,
      "stat -c '%u %a' /x/y/f > /o; stat -c %a /x/y >> /o; readlink /x/l >> /o; test -e /home || echo gone >> /o",
    );
    expect(await llb.read(look, "/o")).toBe("7 600\n750\ny/f\ngone\n");
  });

  test("copies: patterns, modes, archives unpacked, from a client's directory", async () => {
    const local = source("local://lent");
    const made = files(
      [busybox(), local],
      copy("/", "/t", { excludePatterns: ["*.md", "*.tar"], modeStr: "u=rw,go=" }),
    );
    expect(await llb.list(made, "/t")).toEqual(["a.txt", "d"]);
    const unpacked = files([busybox(), local], copy("/packed.tar", "/u/", { attemptUnpack: true }));
    expect(await llb.read(unpacked, "/u/d/c.txt")).toBe("C");
    await expect(llb.solve(files([busybox(), local], copy("/none", "/")))).rejects.toThrow("none");
  });
});

test("actions on one result each see it as it was, and copies take from results of the same op", async () => {
  const made = files(
    [],
    mkfile("/a", "first", { output: -1n }),
    mkfile("/b", "second", { input: 0n, output: 1n }),
    mkfile("/c", "third", { input: 0n, output: -1n }),
    { ...copy("/b", "/d"), input: 2n, secondaryInput: 1n },
    // What it copies from goes on afterwards.
    mkfile("/e", "last", { input: 3n, output: 2n }),
  );
  expect(await llb.list(made, "/")).toEqual(["a", "c", "d"]);
  expect(await llb.read(made, "/d")).toBe("second");
  expect(await llb.list({ ...made, output: 1 }, "/")).toEqual(["a", "b"]);
  expect(await llb.list({ ...made, output: 2 }, "/")).toEqual(["a", "c", "d", "e"]);
});

describe("merge and diff", () => {
  test("later trees over earlier ones; what one has over another, removals too", async () => {
    const merged = op({ case: "merge", value: { inputs: [{ input: 0n }, { input: 1n }] } }, [
      file("/a", "first"),
      files([], mkfile("/a", "second"), { ...mkfile("/b", "beside", { input: 0n }) }),
    ]);
    expect(await llb.read(merged, "/a")).toBe("second");
    expect(await llb.read(merged, "/b")).toBe("beside");
    const changed = run(busybox(), "echo new > /n; rm /bin/ls; echo other > /etc/x");
    const diff = op({ case: "diff", value: { lower: { input: 0n }, upper: { input: 1n } } }, [busybox(), changed]);
    expect(await llb.list(diff, "/")).toContain("n");
    expect(await llb.list(diff, "/")).not.toContain("home");
    const upon = op({ case: "merge", value: { inputs: [{ input: 0n }, { input: 1n }] } }, [busybox(), diff]);
    const bin = await llb.list(upon, "/bin");
    expect(bin).not.toContain("ls");
    expect(bin).toContain("cat");
    const unrelated = op({ case: "diff", value: { lower: { input: 0n }, upper: { input: 1n } } }, [
      files([], mkfile("/same", "s"), mkfile("/old", "o", { input: 0n })),
      files([], mkfile("/same", "s"), mkfile("/new", "n", { input: 0n })),
    ]);
    expect(await llb.list(unrelated, "/")).toContain("new");
    expect(await llb.list(unrelated, "/")).not.toContain("same");
  });
});

describe("containers on results", () => {
  test("several processes in one, with their input, signals and codes; released, they are gone", async () => {
    const handle = await llb.solve(run(busybox(), "echo from-the-result > /r"));
    const signal = AbortSignal.timeout(40_000);
    const call = { signal, metadata: llb.metadata };
    const mounts = [{ input: -1n, output: -1n, dest: "/", resultId: handle }];
    await llb.control.unary(LLBBridge.method.newContainer, { containerId: "one", mounts, network: 2 }, call);
    const stream = llb.control.open(LLBBridge.method.execProcess, call);
    const args = (...words: string[]) => ({ args: words, env: ["PATH=/bin"], cwd: "/" });
    const begin = (processId: string, meta: object) =>
      stream.send({ processId, input: { case: "init", value: { containerId: "one", meta, fds: [0, 1, 2] } } });
    await begin("main", args("sh", "-c", "cat /r; trap 'echo caught; exit 5' USR1; while :; do sleep 0.1; done"));
    const output: Record<string, string> = {};
    const codes: Record<string, number> = {};
    for await (const { processId, input } of stream.answers) {
      const before = output[processId] ?? "";
      if (input.case === "file") output[processId] = before + Buffer.from(input.value.data).toString();
      if (input.case === "exit") codes[processId] = input.value.code;
      if (input.case === "file" && processId === "main" && before === "" && output.main === "from-the-result\n") {
        await begin("second", args("cat"));
        await stream.send({
          processId: "second",
          input: { case: "file", value: { fd: 0, data: Buffer.from("echoed") } },
        });
        await stream.send({ processId: "second", input: { case: "file", value: { fd: 0, eof: true } } });
        await begin("third", args("none-such"));
      }
      if (
        input.case === "done" &&
        codes.second !== undefined &&
        codes.third !== undefined &&
        codes.main === undefined
      ) {
        await stream.send({ processId: "main", input: { case: "signal", value: { name: "USR1" } } });
      }
      if (input.case === "done" && processId === "main") break;
    }
    stream.cancel();
    expect(output).toMatchObject({ main: "from-the-result\ncaught\n", second: "echoed" });
    expect(codes).toEqual({ main: 5, second: 0, third: 255 });
    await llb.control.unary(LLBBridge.method.releaseContainer, { containerId: "one" }, call);
    const released = llb.control.unary(LLBBridge.method.releaseContainer, { containerId: "one" }, call);
    await expect(released).rejects.toThrow("previously released");
  });
});
