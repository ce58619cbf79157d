// Frontends that are images (`# syntax=IMAGE`): run in a container, they drive the build over their standard input and
// output. The one here is made for the test (harness/frontend.ts). BuildKit's own is taken from HOY_TEST_FRONTEND, the path
// of a program: copy github.com/moby/buildkit from the Go module cache, there
// `CGO_ENABLED=0 go build -mod=mod ./frontend/dockerfile/cmd/dockerfile-frontend`.

import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contextIn } from "../harness/buildx.ts";
import { eventually, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { frontendImage } from "../harness/frontend-image.ts";
import { commandOf } from "../harness/machine.ts";

const hoy = await testDaemon();
await frontendImage(hoy, "frontend", "LABEL moby.buildkit.frontend.network.none=true");
const BUILD = ["build", "--network", "none", "--progress", "plain"];
const lines = (...all: string[]) => ["# syntax=frontend", ...all, ""].join("\n");
const build = (text: string, ...args: string[]) =>
  hoy.hoy(...BUILD, ...args, contextIn(hoy, text, { file: "content" }));
const bad = async (text: string, ...args: string[]) => {
  const { code, stderr } = await build(text, ...args);
  expect(code).toBe(1);
  return stderr;
};

describe("a frontend that is an image", () => {
  test("drives a build: files, commands, a container of its own, what it says, the image's config", async () => {
    const tag = unique("made");
    const text = lines(
      "copy file",
      "run cat file > /out; echo $WHO >> /out",
      "try cat /out; id -u",
      "say spoken",
      "warn careful",
    );
    const { code, stderr } = await build(text, "-t", tag, "--build-arg", "WHO=you");
    expect(stderr).toMatch(/run the frontend docker\.io\/library\/frontend/);
    expect(stderr).toContain("spoken");
    expect(stderr).toContain("careful");
    expect(code).toBe(0);
    const run = (...args: string[]) => ok(hoy.hoy("run", "--rm", "--network", "none", tag, ...args));
    expect(await run("cat", "/out")).toBe("contentyou");
    expect(await run("cat", "/tried")).toBe("contentyou\n0");
    expect(await ok(hoy.hoy("inspect", "--format", "{{.Config.Labels.made}}", tag))).toBe("by-a-frontend");
    const id = await ok(hoy.hoy("inspect", "--format", "{{.Id}}", tag));
    expect((await build(text, "-t", tag, "--build-arg", "WHO=you")).stderr).toContain("CACHED");
    expect(await ok(hoy.hoy("inspect", "--format", "{{.Id}}", tag))).toBe(id);
  });

  test("BUILDKIT_SYNTAX names one too; the Dockerfile's own images are what is built in; it may ask for that", async () => {
    const other = contextIn(hoy, "run echo by-argument > /a\n", { Inner: "FROM busybox\nRUN echo inner > /i\n" });
    await ok(hoy.hoy(...BUILD, "-t", "by-argument", "--build-arg", "BUILDKIT_SYNTAX=frontend", other));
    expect(await ok(hoy.hoy("run", "--rm", "--network", "none", "by-argument", "cat", "/a"))).toBe("by-argument");
    expect((await build("# syntax=docker/dockerfile:1\nFROM busybox\nRUN true\n")).code).toBe(0);
    expect((await build("// syntax=docker/dockerfile-upstream:master\nFROM busybox\n")).code).not.toBe(0);
    const inner = contextIn(hoy, lines("other Inner"), { Inner: "FROM busybox\nRUN echo inner > /i\n" });
    await ok(hoy.hoy(...BUILD, "-t", "inner", inner));
    expect(await ok(hoy.hoy("run", "--rm", "--network", "none", "inner", "cat", "/i"))).toBe("inner");
  });

  test("what goes wrong in it is the build's error", async () => {
    expect(await bad(lines("fail told by the frontend"))).toContain("failed to solve: told by the frontend");
    expect(await bad(lines("exit 3"))).toContain("the frontend ended without a result (exit code 3)");
    expect(await bad(lines("run exit 7"))).toContain("exit code: 7");
    expect(await bad("# syntax=busybox\n")).toMatch(/frontend|\/run|executable file not found/);
    expect(await bad("# syntax=UPPER CASE\n")).toContain("must be lowercase");
    expect(await bad(lines("run true"), "--check")).toContain("does not know moby.buildkit.frontend.subrequests");
  });

  test("it can speak of its own build only, and gets nothing that the build was not granted", async () => {
    expect(await bad(lines("steal 0123456789abcdef0123456789abcdef"))).toContain("no such ref");
    const named = lines("try wget -T 2 -q -O - http://127.0.0.1:1/ || echo alone; cat /proc/self/status | grep CapEff");
    const { code } = await build(named, "-t", "alone");
    expect(code).toBe(0);
    const tried = await ok(hoy.hoy("run", "--rm", "--network", "none", "alone", "cat", "/tried"));
    expect(tried).toContain("alone");
    expect(tried).not.toContain("ffffffff");
  });

  test("one that hangs ends with its build", async () => {
    const client = hoy.hoy.start(...BUILD, contextIn(hoy, lines("hang")));
    const running = () => readdirSync("/proc").filter((pid) => commandOf(pid).includes("/frontend.js"));
    await eventually(async () => running().length > 0, "the frontend runs");
    client.kill("SIGINT");
    expect(await client.exited).not.toBe(0);
    await eventually(async () => running().length === 0, "the frontend is gone");
    await eventually(
      async () => readdirSync(join(hoy.data, "tmp")).every((name) => !name.startsWith("build-")),
      "its files are gone",
    );
  });
});

const own = process.env.HOY_TEST_FRONTEND ?? "";

if (own === "") {
  test.skip("BuildKit's frontend (skipped: HOY_TEST_FRONTEND is not set)", () => undefined);
} else {
  test("BuildKit's own Dockerfile frontend: stages, documents, mounts, links, what is wrong, checks", async () => {
    const labels = ["inputs", "subrequests", "contexts"].map((cap) => `moby.buildkit.frontend.${cap}`).join(",");
    const image = contextIn(
      hoy,
      `FROM scratch\nCOPY frontend /frontend\nLABEL moby.buildkit.frontend.caps="${labels}"\nENTRYPOINT ["/frontend"]\n`,
    );
    copyFileSync(own, join(image, "frontend"));
    chmodSync(join(image, "frontend"), 0o755);
    await ok(hoy.hoy("build", "-q", "-t", "buildkits", image));
    const text = `# syntax=buildkits
FROM busybox AS build
ARG WHO=nobody
WORKDIR /src
COPY --chmod=640 file ./
COPY <<EOF /here
inline $WHO
EOF
RUN --mount=type=cache,target=/c --mount=type=secret,id=s cat /here file /run/secrets/s > out
RUN <<EOF
set -e
echo document >> out
EOF
FROM busybox
COPY --from=build --link /src/out /out
ADD --chown=5:6 d /d/
CMD ["cat", "/out"]
`;
    const dir = contextIn(hoy, text, { file: "F\n", "d/x": "X" });
    writeFileSync(join(hoy.root, "secret"), "S\n");
    const secret = ["--secret", `id=s,src=${join(hoy.root, "secret")}`];
    await ok(hoy.hoy(...BUILD, ...secret, "--build-arg", "WHO=me", "-t", "by-buildkits", dir));
    const run = (...args: string[]) => ok(hoy.hoy("run", "--rm", "--network", "none", "by-buildkits", ...args));
    expect(await run()).toBe("inline me\nF\nS\ndocument");
    expect(await run("stat", "-c", "%u:%g", "/d/x")).toBe("5:6");
    expect(await bad("# syntax=buildkits\nFROM busybox\nRUM x\n")).toContain("   3 | >>> RUM x");
    const check = await hoy.hoy(
      "build",
      "--check",
      contextIn(hoy, "# syntax=buildkits\nfrom busybox AS Up\nRUN true\n"),
    );
    expect(check.stdout).toContain("StageNameCasing");
  });
}
