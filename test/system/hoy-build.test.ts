// `hoy build`: what of a directory is sent, what is lent, names and ids of what comes out, how progress and failures are
// told. By BuildKit's protocol; the classic builder where that is asked for.

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { commandOf } from "../harness/machine.ts";

const hoy = await testDaemon();
const root = mkdtempSync(join(tmpdir(), "hoy-build-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const NET = ["--network", "none"];

/** A directory with these files. */
function context(files: Readonly<Record<string, string>> | string): string {
  const directory = join(root, unique("context"));
  mkdirSync(directory);
  const all = typeof files === "string" ? { Dockerfile: files } : files;
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

const build = (...args: string[]) => hoy.hoy("build", ...NET, ...args);
/** Its progress. */
async function built(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await build(...args);
  if (code !== 0) throw new Error(`exit code ${code}:\n${stdout}${stderr}`);
  return stderr;
}
const run = (image: string, ...args: string[]) => ok(hoy.hoy("run", "--rm", ...NET, image, ...args));

describe("hoy build", () => {
  test("a step's /etc/hostname is the image's own: it may be written, and taken away", async () => {
    const where = context(`FROM busybox
RUN mkdir -p /etc && echo mine > /etc/hostname && [ "$(hostname)" = buildkitsandbox ]
FROM busybox
COPY --from=0 /etc/hostname /etc/hostname
RUN grep -x mine /etc/hostname && mv /etc/hostname /moved && [ ! -e /etc/hostname ]
`);
    await built("-t", "hostname", where);
    expect(await run("hostname", "cat", "/moved")).toBe("mine");
  });

  test("tags what it builds, shows the steps, writes the id, and does nothing twice", async () => {
    const where = context("FROM busybox\nARG WORD\nRUN echo $WORD > /said\nCMD cat /said\n");
    const [file, metadata] = [join(root, "id"), join(root, "metadata")];
    const files = ["--iidfile", file, "--metadata-file", metadata];
    const shown = await built("-t", "said", "-t", "said:two", "--build-arg", "WORD=hi", ...files, where);
    expect(shown).toMatch(/#\d+ \[2\/2\] RUN echo hi > \/said/);
    expect(shown).toContain("naming to docker.io/library/said:two done");
    expect(await run("said:two")).toBe("hi");
    const id = readFileSync(file, "utf8");
    expect(await ok(hoy.hoy("inspect", "-f", "{{.Id}}", "said"))).toBe(id);
    expect(JSON.parse(readFileSync(metadata, "utf8"))).toMatchObject({ "containerimage.config.digest": id });
    expect(await ok(build("-q", "--build-arg", "WORD=hi", where))).toBe(id);
    expect(await ok(build("-q", "--build-arg", "WORD=ho", where))).not.toBe(id);
    const again = await built("--build-arg", "WORD=hi", where);
    expect(again).toMatch(/#\d+ \[2\/2\] RUN .*\n#\d+ CACHED/);
  });

  test("sends what .dockerignore leaves, and never what a link leads to", async () => {
    const where = context({
      Dockerfile: "FROM busybox\nCOPY . /c\nRUN find /c | sort > /list\n",
      ".dockerignore": "secret\n**/*.log\n!keep/me.log\n",
      secret: "x",
      "a.log": "x",
      "keep/me.log": "x",
      "keep/not.log": "x",
      "sub/with, comma": "x",
      "sub/file": "x",
    });
    symlinkSync("/etc/shadow", join(where, "link"));
    await built("-t", "ignored", where);
    expect((await run("ignored", "cat", "/list")).split("\n")).toEqual([
      "/c",
      "/c/.dockerignore",
      "/c/Dockerfile",
      "/c/keep",
      "/c/keep/me.log",
      "/c/link",
      "/c/sub",
      "/c/sub/file",
      "/c/sub/with, comma",
    ]);
  });

  test("only what changed is sent, and only what is copied", async () => {
    const where = context({
      Dockerfile: "FROM busybox\nCOPY in /in\n",
      "in/big": "x".repeat(2_000_000),
      "in/s": "1",
      out: "y".repeat(5_000_000),
    });
    expect(await built(where)).toMatch(/transferring context: 2MB/);
    expect(await built(where)).not.toMatch(/transferring context: [1-9]/);
    writeFileSync(join(where, "in/s"), "22");
    expect(await built(where)).toMatch(/transferring context: 2B/);
  });

  test("a Dockerfile elsewhere, a target, a Dockerfile and a context from standard input", async () => {
    const where = context({ "docker/D": "FROM busybox AS one\nLABEL n=1\nFROM busybox AS two\nLABEL n=2\n" });
    const file = join(where, "docker/D");
    const id = await ok(build("-q", "-f", file, "--target", "one", where));
    expect(await ok(hoy.hoy("inspect", "-f", "{{.Config.Labels.n}}", id))).toBe("1");
    expect(await ok(build("-q", "-f", file, "--target", "one", context({})))).toBe(id);
    const tar = Bun.spawnSync(["tar", "-C", where, "-c", "docker/D"]).stdout;
    const input = (data: string | Uint8Array, ...args: string[]) =>
      hoy.hoy.with({ input: data }, "build", "-q", ...NET, ...args);
    expect(await ok(input(tar, "-f", "docker/D", "--target", "one", "-"))).toBe(id);
    expect(await ok(input(readFileSync(file), "--target", "one", "-"))).toBe(id);
    const copied = await ok(input("FROM busybox\nCOPY docker/D /D\n", "-f", "-", where));
    expect(await run(copied, "cat", "/D")).toContain("LABEL n=2");
  });

  test("labels, limits of a step, hosts, size of /dev/shm, a cgroup, what the base brought", async () => {
    const where = context(
      "FROM based\nRUN ulimit -n > /n; df -k /dev/shm | tail -1 | awk '{print $2}' > /shm; grep box /etc/hosts > /h\n",
    );
    await built("-t", "based", context("FROM busybox\nVOLUME /a /b\nEXPOSE 80 81\nENV A=1 B=2\nLABEL a=1 b=2\n"));
    const flags = ["--label", "l=v", "--ulimit", "nofile=333:333", "--shm-size", "8m", "--add-host", "box:10.1.2.3"];
    const unset = ["--unset", "VOLUME /a", "--unset", "EXPOSE", "--unset", "ENV A"];
    const group = `${hoy.mark}-build`;
    await built("-t", "flagged", ...flags, ...unset, "--cgroup-parent", `/${group}`, where);
    expect(["/sys/fs/cgroup", "/sys/fs/cgroup/pids"].some((each) => existsSync(join(each, group)))).toBe(true);
    const config = JSON.parse(await ok(hoy.hoy("inspect", "-f", "{{json .Config}}", "flagged")));
    expect(config.Labels).toEqual({ a: "1", b: "2", l: "v" });
    expect(config.Volumes).toEqual({ "/b": {} });
    expect(config.ExposedPorts ?? {}).toEqual({});
    expect(config.Env.filter((word: string) => !word.startsWith("PATH="))).toEqual(["B=2"]);
    expect(await run("flagged", "cat", "/n", "/shm")).toBe("333\n8192");
    expect(await run("flagged", "cat", "/h")).toMatch(/10\.1\.2\.3\s+box/);
    const directive = context("# hoy: unset VOLUME /a, LABEL\nFROM based\nRUN echo $A > /a-is\n");
    await built("-t", "directed", directive);
    const own = JSON.parse(await ok(hoy.hoy("inspect", "-f", "{{json .Config}}", "directed")));
    expect([own.Volumes, own.Labels ?? {}]).toEqual([{ "/b": {} }, {}]);
    expect(await run("directed", "cat", "/a-is")).toBe("1");
  });

  test("some stages without the cache, or all", async () => {
    const where = context(
      "FROM busybox AS a\nRUN head -c8 /dev/urandom > /a\nFROM busybox AS b\nRUN head -c8 /dev/urandom > /b\nFROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n",
    );
    const out = async (...flags: string[]) => {
      const to = join(root, unique("out"));
      await built(...flags, "-o", to, where);
      return [readFileSync(join(to, "a")), readFileSync(join(to, "b"))] as const;
    };
    const [a, b] = await out();
    expect(await out()).toEqual([a, b]);
    const [c, d] = await out("--no-cache-filter", "a");
    expect([c?.equals(a), d?.equals(b)]).toEqual([false, true]);
    const [e, f] = await out("--no-cache");
    expect([e.equals(c), f.equals(d)]).toEqual([false, false]);
  });
});

describe("hoy build: what the client lends", () => {
  test("secrets from files and the environment, which reach no layer", async () => {
    const where = context(
      'FROM busybox\nRUN --mount=type=secret,id=f cat /run/secrets/f | wc -c > /n\nRUN --mount=type=secret,id=e,env=E test "$E" = fromenv\n',
    );
    const secret = join(root, "secret");
    writeFileSync(secret, "s3cret");
    const env = { E_SECRET: "fromenv" };
    await ok(
      hoy.hoy.with(
        { env },
        "build",
        ...NET,
        "-t",
        "secret",
        "--secret",
        `id=f,src=${secret}`,
        "--secret",
        "id=e,env=E_SECRET",
        where,
      ),
    );
    expect(await run("secret", "cat", "/n")).toBe("6");
    expect((await hoy.hoy("run", "--rm", ...NET, "secret", "ls", "/run/secrets/f")).code).not.toBe(0);
    await fails(build("--secret", "id=f,src=/nowhere", "--no-cache", where), 1, /no such file/);
    await fails(build(context("FROM busybox\nRUN --mount=type=secret,id=none,required true\n")), 1, /none/);
  });

  test("an ssh agent, bytes both ways", async () => {
    const path = join(root, "agent.sock");
    const agent = createServer((socket) => socket.on("data", (data) => socket.end(`you said ${data}`)));
    await new Promise<void>((resolve) => void agent.listen(path, resolve));
    afterAll(() => void agent.close());
    const where = context(
      "FROM busybox\nRUN --mount=type=ssh test -S $SSH_AUTH_SOCK\nRUN --mount=type=ssh,id=other test -S $SSH_AUTH_SOCK\n",
    );
    await built("--ssh", `default=${path}`, "--ssh", `other=${path}`, where);
    await fails(build("--ssh", "default=/etc/hostname", where), 1, /neither the socket of an ssh agent/);
    await fails(build(context("FROM busybox\nRUN --mount=type=ssh,required true\n")), 1, /ssh/);
  });

  test("named contexts: a directory with its own .dockerignore, an image", async () => {
    const other = context({ file: "other", left: "x", ".dockerignore": "left" });
    const where = context("FROM base\nCOPY --from=dir . /d\n");
    await built(
      "--build-context",
      `dir=${other}`,
      "--build-context",
      "base=docker-image://busybox",
      "-t",
      "named",
      where,
    );
    expect(await run("named", "ls", "/d")).toBe("file");
    await fails(build("--build-context", "dir=/nowhere", where), 1, /failed to get build context dir/);
  });
});

describe("hoy build: outputs", () => {
  const files = {
    Dockerfile: "FROM scratch\nCOPY . /\n",
    a: "A",
    "d/b": "B",
    ".dockerignore": "Dockerfile\n.dockerignore\n",
  };

  test("files in a directory, over what is there, with their modes, never through a link", async () => {
    const where = context(files);
    symlinkSync("a", join(where, "to-a"));
    const to = join(root, unique("out"));
    mkdirSync(join(to, "other"), { recursive: true });
    writeFileSync(join(to, "a"), "old");
    symlinkSync("/tmp", join(to, "d"));
    await built("-o", to, where);
    expect(readdirSync(to).sort()).toEqual(["a", "d", "other", "to-a"]);
    expect([readFileSync(join(to, "a"), "utf8"), readFileSync(join(to, "d/b"), "utf8")]).toEqual(["A", "B"]);
    expect(Math.abs(statSync(join(to, "a")).mtimeMs - statSync(join(where, "a")).mtimeMs)).toBeLessThan(1);
  });

  test("--squash: what the build adds is one layer, and its history says so", async () => {
    const where = context(
      'FROM busybox\nRUN echo 1 > /a; echo x > /gone\nRUN rm /gone; echo 2 > /b\nCMD ["cat", "/a", "/b"]\n',
    );
    await built("-t", "apart", where);
    await built("-t", "squashed", "--squash", where);
    const layers = async (image: string) =>
      JSON.parse(await ok(hoy.hoy("inspect", "-f", "{{json .RootFS.Layers}}", image))) as string[];
    const [base, apart, squashed] = [await layers("busybox"), await layers("apart"), await layers("squashed")];
    expect([apart.length - base.length, squashed.length - base.length]).toEqual([2, 1]);
    expect(squashed.slice(0, base.length)).toEqual(base);
    expect(await run("squashed")).toBe("1\n2");
    expect((await hoy.hoy("run", "--rm", ...NET, "squashed", "ls", "/gone")).code).not.toBe(0);
    expect(await ok(hoy.hoy("history", "--no-trunc", "squashed"))).toContain("merge of 2 layers");
  });

  test("archives: of files on standard output and in a file, and of an image, which loads", async () => {
    const where = context(files);
    const { stdout } = Bun.spawnSync([join(import.meta.dir, "../../dist/hoy"), "build", "-o", "-", where], {
      env: { ...process.env, DOCKER_HOST: `unix://${hoy.socket}` },
    });
    expect(Bun.spawnSync(["tar", "-xO", "d/b"], { stdin: stdout }).stdout.toString()).toBe("B");
    const tar = join(root, unique("tar"));
    await built("-o", `type=tar,dest=${tar}`, where);
    expect(Bun.spawnSync(["tar", "-tf", tar]).stdout.toString()).toContain("d/b");
    for (const type of ["docker", "oci"]) {
      const [file, tag] = [join(root, unique("archive")), unique("name")];
      await built("-o", `type=${type},dest=${file}`, "-t", tag, where);
      expect((await hoy.hoy("inspect", tag)).code).toBe(1);
      expect(await ok(hoy.hoy("load", "-i", file))).toContain(tag);
    }
  });
});

describe("hoy build: how it is told", () => {
  test("a command that fails: its output, its line, its exit code, and no image", async () => {
    const where = context("FROM busybox\nRUN echo before; exit 7\n");
    const { code, stderr } = await build("-t", "never", "--no-cache", where);
    expect(stderr).toContain("------\n > [2/2] RUN echo before; exit 7:\nbefore\n------\n");
    expect(stderr).toContain("Dockerfile:2\n");
    expect(stderr).toContain("   2 | >>> RUN echo before; exit 7\n");
    expect(stderr).toContain("did not complete successfully: exit code: 7");
    expect(code).toBe(1);
    expect((await hoy.hoy("inspect", "never")).code).toBe(1);
    const quiet = await build("-q", where);
    expect([quiet.stdout, quiet.code]).toEqual(["", 1]);
    expect(quiet.stderr).toContain("before");
  });

  test("what can't be built is said with the line, or before anything is sent", async () => {
    await fails(
      build(context("FROM busybox\nRUNN x\n")),
      1,
      / {3}2 \| >>> RUNN x\n {5}\| {5}\^{4}\n[\s\S]*did you mean RUN\?/,
    );
    await fails(build(context({ other: "x" })), 1, /unable to prepare context.*no such file/);
    await fails(build(join(root, "nowhere")), 1, /path ".*nowhere" not found/);
    await fails(build("-f", "/nowhere/D", context({})), 1, /lstat \/nowhere\/D: no such file/);
    await fails(build(context("FROM busybox\nCOPY missing /\n")), 1, /"\/missing": not found/);
    await fails(build("-f", "-", "-"), 1, /can't use stdin for both/);
  });

  test("what the rules find is a warning, and all that --check tells", async () => {
    const where = context("FROM busybox AS Up\nRUN false\n");
    const { code, stdout, stderr } = await build("--check", where);
    expect([code, stdout]).toEqual([
      1,
      `WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/
Stage name 'Up' should be lowercase
Dockerfile:1
--------------------
   1 | >>> FROM busybox AS Up
   2 |     RUN false
--------------------
`,
    ]);
    expect(stderr).toBe("Check complete, 1 warning has been found!\n");
    const clean = await build("--check", context("FROM busybox\nRUN false\n"));
    expect([clean.code, clean.stdout]).toEqual([0, "Check complete, no warnings found.\n"]);
    expect((await build("--check", context("FROM busybox\nRUNN x\n"))).code).toBe(1);
    expect(await built(context("FROM busybox AS Up\n"))).toContain(
      " 1 warning found (use --check to see the lines):\n - StageNameCasing: Stage name 'Up' should be lowercase (line 1)\n",
    );
    await fails(build(context("# check=error=true\nFROM busybox AS Up\n")), 1, /lint violation found/);
    const skipped = await build("--check", "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=StageNameCasing", where);
    expect(skipped.code).toBe(0);
  });

  test("--explain: which input of a step is not as it was", async () => {
    const where = context({
      Dockerfile: "FROM busybox\nARG SPOKEN\nRUN echo $SPOKEN > /spoken\nCOPY in /in\nRUN cat /in/* > /all\n",
      "in/a": "1",
      "in/b": "2",
    });
    const why = async (...flags: string[]) => {
      const shown = await built("--explain", ...flags, where);
      return shown.slice(shown.search(/\n(?:Not in the cache:|Every step was in the cache\.)\n/) + 1).trimEnd();
    };
    await why();
    expect(await why()).toBe("Every step was in the cache.");
    writeFileSync(join(where, "in/b"), "22");
    writeFileSync(join(where, "in/c"), "3");
    chmodSync(join(where, "in/a"), 0o600);
    const files = await why();
    expect(files).toContain(" [3/4] COPY in /in\n");
    expect(files).toContain("   file in/a: was file 0644 0:0, is file 0600 0:0\n");
    expect(files).toMatch(/ {3}file in\/b: changed, sha256:[0-9a-f]{12} → sha256:[0-9a-f]{12}\n/);
    expect(files).toContain("   file in/c: new\n");
    expect(files).toMatch(/\[4\/4\] RUN .*\n {3}the step below, \[3\/4\] COPY in \/in, came out otherwise$/);
    expect(await why("--build-arg", "SPOKEN=secret-word")).toContain("   variable SPOKEN: new\n");
    const command = readFileSync(join(where, "Dockerfile"), "utf8").replace("cat", "tac");
    writeFileSync(join(where, "Dockerfile"), command);
    expect(await why("--build-arg", "SPOKEN=secret-word")).toBe(
      "Not in the cache:\n [4/4] RUN tac /in/* > /all\n   command: cat /in/* > /all\n      now: tac /in/* > /all",
    );
    expect(await why("--no-cache")).toContain("   the cache was not to be used");
    await ok(hoy.hoy("builder", "prune", "-af"));
    expect(await why("--build-arg", "SPOKEN=secret-word")).toContain("its result was pruned since");
    await built("-t", "explained", context("FROM busybox\nRUN touch /1\n"));
    const upon = context("FROM explained\nRUN echo upon\n");
    await built(upon);
    await built("-t", "explained", context("FROM busybox\nRUN touch /2\n"));
    expect((await build("--explain", upon)).stderr).toMatch(/base image: \S*explained\S* → \S*explained\S*/);
  });

  test("as JSON, or not at all; a terminal's display needs a terminal", async () => {
    const where = context("FROM busybox\nRUN echo out\n");
    const json = (await built("--progress", "rawjson", "--no-cache", where)).trim().split("\n");
    const logs = json.flatMap((line) => JSON.parse(line).logs ?? []);
    expect(logs.map(({ data }: { data: string }) => Buffer.from(data, "base64").toString()).join("")).toBe("out\n");
    expect(await built("--progress", "quiet", where)).toBe("");
    await fails(build("--progress", "tty", where), 1, /needs a terminal/);
    await fails(build("--progress", "loud", where), 125, /invalid progress/);
  });

  test("on a terminal steps are drawn in place, and the cursor is there afterwards", async () => {
    const where = context("FROM busybox AS a\nRUN echo hello; sleep 1\nFROM busybox\nCOPY --from=a /etc /e\n");
    // Said, as the tests may themselves run where CI is set, and lines are plain then.
    const client = hoy.hoy.terminal("build", ...NET, "--progress=tty", "--no-cache", where);
    await client.until(/=> => # hello/);
    client.resize(40, 24);
    expect(await client.exited).toBe(0);
    const shown = client.output();
    expect(shown).toContain("FINISHED");
    expect(shown.lastIndexOf("\x1b[?25h")).toBeGreaterThan(shown.lastIndexOf("\x1b[?25l"));
  });

  test.each(["SIGINT", "SIGKILL"] as const)("%s ends the build and its command", async (signal) => {
    const mark = unique("mark");
    const client = hoy.hoy.start("build", ...NET, context(`FROM busybox\nRUN sleep 300 ; : ${mark}\n`));
    const commands = () => readdirSync("/proc").filter((pid) => commandOf(pid).includes(`: ${mark}`));
    await eventually(async () => commands().some((pid) => commandOf(pid).startsWith("/bin/sh")), "the step runs");
    client.kill(signal);
    const code = await client.exited;
    expect([code, client.stderr().includes("the build was cancelled")]).toEqual(
      signal === "SIGINT" ? [130, true] : [137, false],
    );
    await eventually(async () => commands().length === 0, "the step is gone");
  });
});

describe("hoy build: the classic builder", () => {
  const classic = (...args: string[]) => hoy.hoy.with({ env: { DOCKER_BUILDKIT: "0" } }, "build", ...NET, ...args);

  test("tells its steps, and a command's exit code is its own", async () => {
    const where = context("FROM busybox\nRUN echo hi > /said\n");
    const shown = await ok(classic("-t", "classic", where));
    expect(shown).toContain("Step 2/2 : RUN echo hi > /said");
    expect(shown).toContain("Successfully tagged classic:latest");
    expect(await ok(classic("-q", where))).toBe(await ok(hoy.hoy("inspect", "-f", "{{.Id}}", "classic")));
    await fails(classic(context("FROM busybox\nRUN exit 7\n")), 7, /returned a non-zero code: 7/);
    await fails(classic("--secret", "id=a", where), 1, /--secret needs BuildKit/);
    await fails(classic("-t", "BAD", where), 125, /^invalid argument "BAD" for "-t, --tag" flag: invalid reference/);
  });

  test("a Dockerfile or an archive from standard input, a Dockerfile from elsewhere", async () => {
    const given = (input: string | Buffer, ...args: string[]) =>
      hoy.hoy.with({ env: { DOCKER_BUILDKIT: "0" }, input }, "build", ...NET, ...args);
    const listed = async (tag: string) => ok(hoy.hoy("run", "--rm", ...NET, tag, "find", "/in", "-type", "f"));
    await ok(given("FROM busybox\nRUN mkdir /in; touch /in/alone\n", "-t", "classic-given", "-"));
    expect(await listed("classic-given")).toBe("/in/alone");
    const where = context({
      Dockerfile: "FROM nonesuch\n",
      file: "x",
      skip: "y",
      ".dockerignore": "skip\nDockerfile\n",
    });
    const all = "FROM busybox\nCOPY . /in/\n";
    await ok(given(all, "-t", "classic-given", "-f", "-", where));
    expect(await listed("classic-given")).toBe("/in/file");
    const elsewhere = join(context({ Elsewhere: all }), "Elsewhere");
    await ok(given("", "-t", "classic-given", "-f", elsewhere, where));
    expect(await listed("classic-given")).toBe("/in/file");
    const tar = Buffer.from(await Bun.$`tar -C ${context({ Dockerfile: all, packed: "1" })} -cz .`.arrayBuffer());
    await ok(given(tar, "-t", "classic-given", "-"));
    expect((await listed("classic-given")).split("\n").toSorted()).toEqual(["/in/Dockerfile", "/in/packed"]);
    await fails(given("", "-"), 1, /the Dockerfile cannot be empty/);
    await fails(given("BOGUS x\n", "-"), 1, /unknown instruction: BOGUS/);
  });
});
