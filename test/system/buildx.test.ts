// `docker buildx build` and `docker buildx bake`, the real buildx, over BuildKit's own protocol: what a user sees.
//
// buildx is taken from HOY_TEST_BUILDX (a path), else from where docker's packages put it. It can be built from the Go
// module proxy: `go mod download -json github.com/docker/buildx@v0.26.1`, copy the directory, there
// `go build -mod=mod ./cmd/buildx`.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { eventually, ok, unique } from "../harness/clients.ts";
import { type Result, start } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { commandOf } from "../harness/machine.ts";
import { have } from "../harness/needs.ts";

const buildx = [
  process.env.HOY_TEST_BUILDX ?? "",
  "/usr/libexec/docker/cli-plugins/docker-buildx",
  "/usr/local/lib/docker/cli-plugins/docker-buildx",
  "/usr/lib/docker/cli-plugins/docker-buildx",
].find((path) => path !== "" && existsSync(path));

const missing = have.docker
  ? buildx === undefined
    ? "no buildx; set HOY_TEST_BUILDX"
    : ""
  : "no docker client on PATH";

if (missing !== "" || buildx === undefined) {
  test.skip(`buildx builds (skipped: ${missing})`, () => undefined);
} else {
  const hoy = await testDaemon();
  const { docker } = hoy;
  const config = join(hoy.root, "docker-config");
  mkdirSync(join(config, "cli-plugins"), { recursive: true });
  symlinkSync(buildx, join(config, "cli-plugins/docker-buildx"));
  const env = {
    DOCKER_CONFIG: config,
    BUILDKIT_PROGRESS: "plain",
    BUILDX_CONFIG: join(hoy.root, "buildx"),
    BUILDX_BAKE_ENTITLEMENTS_FS: "0",
  };
  const NET = ["--network", "none"];

  /** A directory with these files; the Dockerfile is one of them. */
  const context = (dockerfile: string, files: Readonly<Record<string, string>> = {}): string => {
    const root = mkdtempSync(join(hoy.root, "context-"));
    for (const [name, text] of Object.entries({ Dockerfile: dockerfile, ...files })) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return root;
  };
  const build = (...args: string[]) => docker.with({ env }, "buildx", "build", ...NET, ...args);
  const run = (image: string, ...args: string[]) => ok(docker("run", "--rm", ...NET, image, ...args));
  const good = async (result: Promise<Result>) => {
    const { code, stdout, stderr } = await result;
    if (code !== 0) throw new Error(`exit code ${code}:\n${stdout}${stderr}`);
    return { stdout, stderr };
  };
  const bad = async (result: Promise<Result>) => {
    const { code, stderr } = await result;
    if (code === 0) throw new Error(`went well:\n${stderr}`);
    return stderr;
  };

  describe("buildx", () => {
    test("knows the builder", async () => {
      expect((await good(docker.with({ env }, "buildx", "ls"))).stdout).toMatch(/default\s+running\s+v0\.\d+/);
      const { stdout } = await good(docker.with({ env }, "buildx", "inspect"));
      expect(stdout).toContain("linux/amd64");
    });

    test("a Dockerfile of several stages becomes an image that runs; again, it is from the cache and the same", async () => {
      const tag = unique("bx");
      const dir = context(
        `FROM busybox AS build
WORKDIR /src
COPY . .
ARG WHO
RUN cat main.txt > out && echo "$WHO" >> out
FROM busybox
COPY --from=build /src/out /out
CMD ["cat", "/out"]
`,
        { "main.txt": "hello\n", "left-out.md": "x", ".dockerignore": "*.md" },
      );
      const first = await good(build("--build-arg", "WHO=you", "-t", tag, dir));
      expect(first.stderr).toContain("[internal] load build definition from Dockerfile");
      expect(first.stderr).toMatch(/#\d+ \[build 4\/4\] RUN cat main\.txt/);
      expect(first.stderr).toContain(`naming to docker.io/library/${tag}:latest done`);
      expect(await run(tag)).toBe("hello\nyou");
      const id = await ok(docker("inspect", "--format", "{{.Id}}", tag));
      const second = await good(build("--build-arg", "WHO=you", "-t", tag, dir));
      expect(second.stderr.match(/CACHED/g)?.length ?? 0).toBeGreaterThan(3);
      expect(await ok(docker("inspect", "--format", "{{.Id}}", tag))).toBe(id);
    });

    test("docker build is the same, with --iidfile and --metadata-file", async () => {
      const dir = context("FROM busybox\nRUN true\n");
      const files = [join(dir, "iid"), join(dir, "meta")] as const;
      await good(docker.with({ env }, "build", ...NET, "--iidfile", files[0], "--metadata-file", files[1], dir));
      const id = readFileSync(files[0], "utf8");
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(JSON.parse(readFileSync(files[1], "utf8"))).toMatchObject({ "containerimage.digest": id });
      expect((await good(build("-q", dir))).stdout.trim()).toBe(id);
    });

    test("only what changed is sent", async () => {
      const dir = context("FROM busybox\nCOPY . /all\n", { "big.bin": "x".repeat(3_000_000), small: "1" });
      expect((await good(build(dir))).stderr).toMatch(/transferring context: 3\.\d+MB/);
      expect((await good(build(dir))).stderr).not.toMatch(/transferring context: [1-9]/);
      writeFileSync(join(dir, "small"), "22");
      expect((await good(build(dir))).stderr).toMatch(/transferring context: 2B/);
    });
  });

  describe("buildx: errors", () => {
    test("a step that fails shows its output, its lines and its exit code; nothing is tagged", async () => {
      const tag = unique("bx");
      const stderr = await bad(build("-t", tag, context("FROM busybox\nRUN echo before; exit 7\n")));
      expect(stderr).toContain("before");
      expect(stderr).toContain("   2 | >>> RUN echo before; exit 7");
      expect(stderr).toContain("did not complete successfully: exit code: 7");
      expect((await docker("inspect", tag)).code).not.toBe(0);
    });

    test("an instruction that is none is pointed at, with what was meant", async () => {
      const stderr = await bad(build(context("FROM busybox\nRUM x\n")));
      expect(stderr).toContain("   2 | >>> RUM x");
      expect(stderr).toContain("unknown instruction: RUM (did you mean RUN?)");
    });

    test("a file that is not there, a Dockerfile that is not there, an image that is not there", async () => {
      expect(await bad(build(context("FROM busybox\nCOPY nope /\n")))).toContain('"/nope": not found');
      const dir = context("FROM busybox\n");
      expect(await bad(build("-f", join(dir, "Other"), dir))).toContain("Other");
      expect(await bad(build(context("FROM localhost:1/nothing\n")))).toContain("localhost:1");
    });

    test("what is not served says so", async () => {
      const dir = context("FROM busybox\n");
      expect(await bad(build("--cache-to", "type=elsewhere", dir))).toContain("can't be exported with type=elsewhere");
    });

    test("a client that goes away takes its build with it", async () => {
      const mark = unique("mark");
      const dir = context(`FROM busybox\nRUN sleep 300 ; : ${mark}\n`);
      const client = start(["docker", "buildx", "build", ...NET, dir], {
        env: { ...env, DOCKER_HOST: `unix://${hoy.socket}` },
      });
      const steps = () => readdirSync("/proc").filter((pid) => commandOf(pid).includes(`: ${mark}`));
      await eventually(async () => steps().length > 0, "the step runs");
      client.kill("SIGINT");
      expect(await client.exited).not.toBe(0);
      await eventually(async () => steps().length === 0, "the step is gone");
    });
  });

  describe("buildx: what the client lends", () => {
    test("secrets and variables of them, which reach no layer", async () => {
      const tag = unique("bx");
      const dir = context(
        "FROM busybox\nRUN --mount=type=secret,id=tok wc -c < /run/secrets/tok > /n\n" +
          'RUN --mount=type=secret,id=tok,env=TOK test "$TOK" = s3cret\n',
      );
      const secret = join(hoy.root, "secret");
      writeFileSync(secret, "s3cret");
      await good(build("--secret", `id=tok,src=${secret}`, "-t", tag, dir));
      expect(await run(tag, "cat", "/n")).toBe("6");
      expect((await docker("run", "--rm", ...NET, tag, "cat", "/run/secrets/tok")).code).not.toBe(0);
      const needed = context("FROM busybox\nRUN --mount=type=secret,id=none,required true\n");
      expect(await bad(build(needed))).toContain("none");
    });

    test("an ssh agent, bytes both ways", async () => {
      const path = join(hoy.root, "agent.sock");
      const agent = createServer((socket) => socket.on("data", (data) => socket.end(`you said ${data}`)));
      await new Promise<void>((resolve) => void agent.listen(path, resolve));
      afterAll(() => void agent.close());
      const dir = context(
        "FROM busybox\nRUN --mount=type=ssh echo hi | nc local:$SSH_AUTH_SOCK || test -S $SSH_AUTH_SOCK\n",
      );
      await good(build("--no-cache", "--ssh", `default=${path}`, dir));
      const needed = context("FROM busybox\nRUN --mount=type=ssh,required true\n");
      expect(await bad(build(needed))).toContain("ssh");
    });

    test("a Dockerfile and a whole context on standard input", async () => {
      const tag = unique("bx");
      await good(
        docker.with({ env, input: "FROM busybox\nRUN echo in > /x\n" }, "buildx", "build", ...NET, "-t", tag, "-"),
      );
      expect(await run(tag, "cat", "/x")).toBe("in");
      const dir = context("FROM busybox\nCOPY a b /\n", { a: "A", b: "B", ".dockerignore": "none" });
      const tar = new Uint8Array(await new Response(Bun.spawn(["tar", "-cC", dir, "."]).stdout).arrayBuffer());
      await good(docker.with({ env, input: tar }, "buildx", "build", ...NET, "-t", tag, "-"));
      expect(await run(tag, "cat", "/a", "/b")).toBe("AB");
    });

    test("named contexts: a directory, an image", async () => {
      const tag = unique("bx");
      const other = context("", { file: "other" });
      const dir = context("FROM base\nCOPY --from=dir file /f\n");
      await good(
        build("--build-context", `dir=${other}`, "--build-context", "base=docker-image://busybox", "-t", tag, dir),
      );
      expect(await run(tag, "cat", "/f")).toBe("other");
    });
  });

  describe("buildx: outputs", () => {
    const dockerfile = "FROM scratch\nCOPY a /a\nCOPY d /d\n";
    const files = { a: "A", "d/b": "B" };

    test("files in a directory, and in one of its own for each platform", async () => {
      const out = join(hoy.root, unique("out"));
      await good(build("-o", out, context(dockerfile, files)));
      expect(readFileSync(join(out, "d/b"), "utf8")).toBe("B");
      const both = join(hoy.root, unique("out"));
      await good(build("--platform", "linux/amd64,linux/arm64", "-o", both, context(dockerfile, files)));
      expect(readdirSync(both).sort()).toEqual(["linux_amd64", "linux_arm64"]);
      expect(readFileSync(join(both, "linux_arm64/a"), "utf8")).toBe("A");
    });

    test("a tar of files; an image as Docker's archive and as an OCI layout, which loads under its name", async () => {
      const dir = context(dockerfile, files);
      const tar = join(hoy.root, unique("tar"));
      await good(build("-o", `type=tar,dest=${tar}`, dir));
      expect(Bun.spawnSync(["tar", "-xOf", tar, "d/b"]).stdout.toString()).toBe("B");
      for (const type of ["docker", "oci"]) {
        const [file, tag] = [join(hoy.root, unique("archive")), unique("bx")];
        await good(build("-o", `type=${type},dest=${file},name=${tag}:1`, dir));
        expect((await docker("inspect", `${tag}:1`)).code).not.toBe(0);
        expect(await ok(docker("load", "-i", file))).toContain(`${tag}:1`);
      }
    });

    test("--check tells what the rules find, and builds nothing", async () => {
      const { code, stdout } = await build("--check", context("from busybox AS Up\nRUN false\n"));
      expect(code).toBe(1);
      expect(stdout).toContain("StageNameCasing");
      expect(stdout).toContain("   1 | >>> from busybox AS Up");
    });
  });

  describe("buildx: the rest", () => {
    test("bake builds targets, one of them upon the other", async () => {
      const [a, b] = [unique("bx"), unique("bx")];
      const dir = context("FROM busybox\nCOPY x /x\n", { x: "from a" });
      const bake = join(dir, "docker-bake.hcl");
      writeFileSync(
        bake,
        `target "a" {
  context = "${dir}"
  tags = ["${a}"]
  network = "none"
}
target "b" {
  contexts = { first = "target:a" }
  dockerfile-inline = "FROM first\\nRUN cp /x /y\\n"
  tags = ["${b}"]
  network = "none"
}
group "default" { targets = ["a", "b"] }
`,
      );
      await good(docker.with({ env }, "buildx", "bake", "-f", bake));
      expect(await run(b, "cat", "/y")).toBe("from a");
      expect(await run(a, "cat", "/x")).toBe("from a");
    });

    test("du, history and prune", async () => {
      await good(build(context("FROM busybox\nRUN echo for-du > /f\n")));
      expect((await good(docker.with({ env }, "buildx", "du"))).stdout).toMatch(/Total:\s+[1-9]/);
      expect((await good(docker.with({ env }, "buildx", "history", "ls"))).stdout).toContain("Completed");
      const pruned = await good(docker.with({ env }, "buildx", "prune", "-af"));
      expect(pruned.stdout).toMatch(/Total:\s+[1-9]/);
    });
  });
}
