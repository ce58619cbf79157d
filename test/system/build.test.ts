// `docker build` by the classic protocol: what a user sees, from Dockerfile to running container.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { testWith } from "../harness/needs.ts";

const hoy = await testDaemon();
const { docker } = hoy;
const env = { DOCKER_BUILDKIT: "0" };
const NET = ["--network", "none"];

/** A directory with these files; the Dockerfile is one of them. */
function context(dockerfile: string, files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(hoy.root, "context-"));
  for (const [name, text] of Object.entries({ Dockerfile: dockerfile, ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const build = (...args: string[]) => docker.with({ env }, "build", ...NET, ...args);
const run = (image: string, ...args: string[]) => ok(docker("run", "--rm", ...NET, image, ...args));
const idOf = (image: string) => ok(docker("inspect", "--format", "{{.Id}}", image));

describe("docker build", () => {
  testWith(
    "docker",
    "--cache-from: steps without files are cached with the next; without such an image nothing is",
    async () => {
      const [image, again] = [unique("image"), unique("image")];
      const dir = context(`FROM busybox\nENV FOO=bar-${image}\nRUN touch baz\nRUN touch bax\n`);
      const cached = async (from: string, tag: string) =>
        (await ok(build("--cache-from", from, "-t", tag, dir))).split("Using cache").length - 1;
      await ok(build("-t", image, dir));
      expect(await cached(image, again)).toBe(3);
      expect(await cached("nosuch:tag", again)).toBe(0);
    },
  );

  testWith("docker", "what a step writes to standard error is red", async () => {
    const dir = context("FROM busybox\nRUN echo plain; echo wrong >&2\n");
    expect(await ok(build("--no-cache", dir))).toContain("\x1b[91mwrong\n\x1b[0m");
  });

  testWith("docker", "a Dockerfile of several stages becomes an image that runs", async () => {
    const tag = unique("image");
    const dir = context(
      `FROM busybox AS build
ARG WHO=world
WORKDIR /src
COPY main.txt .
RUN cat main.txt > out && echo "$WHO" >> out
FROM busybox
ENV A=1
LABEL made=here
COPY --from=build /src/out /out
CMD ["cat", "/out"]
`,
      { "main.txt": "hello\n" },
    );
    const output = await ok(build("--build-arg", "WHO=you", "-t", tag, "-t", `${tag}:other`, dir));
    expect(output).toMatch(/Step 1\/10 : FROM busybox AS build\n ---> [0-9a-f]{12}\n/);
    expect(output).toMatch(/ ---> Running in [0-9a-f]{12}\n/);
    expect(output).toMatch(/Successfully built [0-9a-f]{12}\n/);
    expect(output).toContain(`Successfully tagged ${tag}:latest\nSuccessfully tagged ${tag}:other`);
    expect(await run(tag)).toBe("hello\nyou");
    expect(await ok(docker("inspect", "--format", "{{json .Config.Env}} {{.Config.Labels.made}}", tag))).toContain(
      "here",
    );
    expect(await idOf(`${tag}:other`)).toBe(await idOf(tag));
  });

  testWith(
    "docker",
    "built again, all of it is from the cache and the image the same; without the cache it runs",
    async () => {
      const tag = unique("image");
      const dir = context("FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /id\nCOPY f /f\nCMD true\n", {
        f: "x",
      });
      await ok(build("-t", tag, dir));
      const first = await idOf(tag);
      const again = await ok(build("-t", tag, dir));
      expect(again.match(/ ---> Using cache/g)?.length).toBe(2);
      expect(await idOf(tag)).toBe(first);
      writeFileSync(join(dir, "f"), "y");
      expect((await ok(build("-t", tag, dir))).match(/ ---> Using cache/g)?.length).toBe(1);
      const fresh = await ok(build("--no-cache", "-t", tag, dir));
      expect(fresh).not.toContain("Using cache");
      expect(await idOf(tag)).not.toBe(first);
    },
  );

  testWith("docker", "a step that fails ends the build with its code, and nothing is tagged", async () => {
    const tag = unique("image");
    const dir = context("FROM busybox\nRUN echo some output; exit 42\n");
    const result = await build("-t", tag, dir);
    expect(result.code).toBe(42);
    expect(result.stdout).toContain("some output\n");
    expect(result.stderr).toContain("The command '/bin/sh -c echo some output; exit 42' returned a non-zero code: 42");
    await fails(docker("inspect", tag), 1, /No such object/);
  });

  testWith(
    "docker",
    "what is wrong is said: no Dockerfile, an unknown instruction, a missing file, a bad name",
    async () => {
      await fails(build("-f", "Other", context("FROM busybox")), 1, /Other|Cannot locate/);
      await fails(build(context("FROM busybox\nRUNN x\n")), 1, /unknown instruction: RUNN/);
      await fails(build(context("FROM busybox\nCOPY nothere /\n")), 1, /"\/nothere": not found/);
      await fails(build("-t", "UPPER", context("FROM busybox")), 125, /must be lowercase/);
      await fails(build("--target", "none", context("FROM busybox")), 1, /none/);
    },
  );

  testWith("docker", ".dockerignore keeps files out, and the files that say so are not copied either", async () => {
    const tag = unique("image");
    const files = {
      ".dockerignore": "*.log\nsecret\n!keep.log\n.dockerignore\nDockerfile\n",
      "a.log": "",
      "keep.log": "",
      "secret/key": "",
      f: "",
    };
    const dir = context("FROM busybox\nCOPY . /ctx/\n", files);
    await ok(build("-t", tag, dir));
    const found = await run(tag, "find", "/ctx", "-type", "f"); // in whatever order the file system has them
    expect(found.split("\n").sort()).toEqual(["/ctx/f", "/ctx/keep.log"]);
  });

  testWith("docker", "a Dockerfile from standard input, alone and with a context", async () => {
    const tag = unique("image");
    await ok(docker.with({ env, input: "FROM busybox\nRUN echo alone > /f\n" }, "build", ...NET, "-t", tag, "-"));
    expect(await run(tag, "cat", "/f")).toBe("alone");
    const dir = context("FROM scratch\n", { data: "beside" });
    const input = "FROM busybox\nCOPY . /ctx/\n";
    await ok(docker.with({ env, input }, "build", ...NET, "-t", tag, "-f", "-", dir));
    expect(await run(tag, "ls", "/ctx")).toBe("Dockerfile\ndata");
  });

  testWith("docker", "-q says the id and nothing else", async () => {
    const dir = context("FROM busybox\nRUN echo loud\n");
    expect(await ok(build("-q", dir))).toMatch(/^sha256:[0-9a-f]{64}$/);
    const failing = await build("-q", context("FROM busybox\nRUN echo loud && false\n"));
    expect(failing.code).toBe(1);
    expect(failing.stdout + failing.stderr).toContain("returned a non-zero code: 1");
  });

  testWith("docker", "a user, a directory, a volume's files and hard links are as the steps left them", async () => {
    const tag = unique("image");
    const dir = context(`FROM busybox
RUN mkdir -p /etc /home && echo 'app:x:1000:1000::/home:/bin/sh' >> /etc/passwd && chown 1000:1000 /home
USER app
WORKDIR /home
RUN id -u > uid && echo x > one && ln one two && ln -s one three && chmod 4750 uid
USER root
RUN rm -r /home/one && mkdir -m 1777 /sticky
`);
    await ok(build("-t", tag, dir));
    expect(await run(tag, "sh", "-c", "cat uid; stat -c '%a %u %n' uid two /sticky; readlink three; ls")).toBe(
      "1000\n4750 1000 uid\n644 1000 two\n1777 0 /sticky\none\nthree\ntwo\nuid",
    );
  });

  testWith("docker", "--squash makes one layer of the steps, with the same files", async () => {
    const tag = unique("image");
    const dir = context("FROM busybox\nRUN echo a > /a && echo b > /b\nRUN rm /a && echo c > /c\n");
    await ok(build("-t", `${tag}-plain`, dir));
    const tar = Bun.spawnSync(["tar", "-C", dir, "-c", "."]).stdout;
    const answer = await fetch(`http://hoy/build?squash=1&t=${tag}&networkmode=none`, {
      method: "POST",
      unix: hoy.socket,
      headers: { "Content-Type": "application/x-tar" },
      body: tar,
    });
    expect(await answer.text()).toContain("Successfully tagged");
    const layers = async (image: string) =>
      (await ok(docker("inspect", "--format", "{{len .RootFS.Layers}}", image))).trim();
    expect([await layers(`${tag}-plain`), await layers(tag)]).toEqual(["3", "2"]);
    const look = ["sh", "-c", "cat /b /c; ls /a 2>&1 | wc -l"] as const;
    expect(await run(`${tag}-plain`, ...look)).toBe("b\nc\n1");
    expect(await run(tag, ...look)).toBe("b\nc\n1");
    expect(await ok(docker("history", "--format", "{{.Comment}}", tag))).toContain("merge of 2 layers");
  });
});

describe("the build cache", () => {
  testWith("docker", "is listed, and pruned unless it is asked to be kept", async () => {
    await ok(
      build("-t", unique("image"), context("FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=2 2>/dev/null\n")),
    );
    const records = await ok(docker("system", "df", "-v", "--format", "{{json .BuildCache}}"));
    expect(records).toContain("RUN");
    expect((await hoy.api("POST", "/build/prune?all=1&keep-storage=1000000000000")).json).toMatchObject({
      SpaceReclaimed: 0,
    });
    const pruned = (await hoy.api("POST", "/build/prune?all=1")).json as { CachesDeleted: string[] };
    expect(pruned.CachesDeleted.length).toBeGreaterThan(0);
    const { json } = await hoy.api("GET", "/system/df?type=build-cache");
    expect(json).toMatchObject({ BuildCache: [] });
  });

  testWith("docker", "is there after kill -9, and of the step that ran no process and no file is left", async () => {
    const dir = context("FROM busybox\nRUN echo done > /done\nRUN echo begun; sleep 4321\n");
    const building = docker.with({ env }, "build", ...NET, dir);
    const sleeping = () =>
      readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes("sleep\u00004321"));
    await eventually(async () => sleeping().length > 0, "the step runs");
    await hoy.down("SIGKILL");
    expect((await building).code).not.toBe(0);
    await hoy.up();
    expect(sleeping()).toEqual([]);
    expect(readdirSync(join(hoy.data, "tmp"))).toEqual([]);
    writeFileSync(join(dir, "Dockerfile"), "FROM busybox\nRUN echo done > /done\n");
    expect(await ok(build(dir))).toContain("Using cache");
  });

  testWith("docker", "a client that goes away stops the step", async () => {
    const dir = context("FROM busybox\nRUN sleep 5432\n");
    const client = Bun.spawn(["docker", "build", ...NET, dir], {
      env: { ...process.env, ...env, DOCKER_HOST: `unix://${hoy.socket}` },
      stdout: "ignore",
      stderr: "ignore",
    });
    const sleeping = () =>
      readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes("sleep\u00005432"));
    await eventually(async () => sleeping().length > 0, "the step runs");
    client.kill("SIGKILL");
    await eventually(async () => sleeping().length === 0, "the step ends");
  });
});

test("a version of builds that nobody knows is refused", async () => {
  const { status, json } = await hoy.api("POST", "/build?version=3&remote=x");
  expect(status).toBe(400);
  expect(json).toEqual({ message: "invalid version 3" });
});

function commandLine(pid: string): string {
  const path = `/proc/${pid}/cmdline`;
  try {
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  } catch {
    // It has ended between the two.
    return "";
  }
}
