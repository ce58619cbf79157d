// `hoy build`: what of a directory is sent, names and ids of what comes out, and how a failure is told.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const root = mkdtempSync(join(tmpdir(), "hoy-build-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A directory with these files. */
function context(files: Readonly<Record<string, string>>): string {
  const directory = join(root, unique("context"));
  mkdirSync(directory);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

describe("hoy build", () => {
  test("tags what it builds, shows the steps, writes the id, and does nothing twice", async () => {
    const where = context({ Dockerfile: "FROM busybox\nARG WORD\nRUN echo $WORD > /said\nCMD cat /said\n" });
    const file = join(root, "id");
    const shown = await ok(
      hoy.hoy("build", "-t", "said", "-t", "said:two", "--build-arg", "WORD=hi", "--iidfile", file, where),
    );
    expect(shown).toContain("Step 3/4 : RUN echo $WORD > /said");
    expect(shown).toContain("Successfully tagged said:two");
    expect(await ok(hoy.hoy("run", "--rm", "--network", "none", "said:two"))).toBe("hi");
    const id = readFileSync(file, "utf8");
    expect(await ok(hoy.hoy("inspect", "-f", "{{.Id}}", "said"))).toBe(id);
    expect(await ok(hoy.hoy("build", "-q", "--build-arg", "WORD=hi", where))).toBe(id);
    expect(await ok(hoy.hoy("build", "-q", "--build-arg", "WORD=ho", where))).not.toBe(id);
  });

  test("sends what .dockerignore leaves, and never what a link leads to", async () => {
    const where = context({
      Dockerfile: "FROM busybox\nCOPY . /c\nRUN find /c | sort\n",
      ".dockerignore": "secret\n**/*.log\n!keep/me.log\n",
      secret: "x",
      "a.log": "x",
      "keep/me.log": "x",
      "keep/not.log": "x",
      "sub/file": "x",
    });
    symlinkSync("/etc/shadow", join(where, "link"));
    const shown = await ok(hoy.hoy("build", where));
    const sent = shown.split("\n").filter((line) => line.startsWith("/c"));
    expect(sent).toEqual([
      "/c",
      "/c/.dockerignore",
      "/c/Dockerfile",
      "/c/keep",
      "/c/keep/me.log",
      "/c/link",
      "/c/sub",
      "/c/sub/file",
    ]);
  });

  test("a Dockerfile elsewhere in the context, a target, a context from standard input", async () => {
    const where = context({ "docker/D": "FROM busybox AS one\nLABEL n=1\nFROM busybox AS two\nLABEL n=2\n" });
    const id = await ok(hoy.hoy("build", "-q", "-f", join(where, "docker/D"), "--target", "one", where));
    expect(await ok(hoy.hoy("inspect", "-f", "{{.Config.Labels.n}}", id))).toBe("1");
    const tar = Bun.spawnSync(["tar", "-C", where, "-c", "docker/D"]).stdout;
    const same = await ok(hoy.hoy.with({ input: tar }, "build", "-q", "-f", "docker/D", "--target", "one", "-"));
    expect(same).toBe(id);
  });

  test("a command that fails: its output, its exit code, and no image", async () => {
    const where = context({ Dockerfile: "FROM busybox\nRUN echo before; exit 7\n" });
    const { code, stdout, stderr } = await hoy.hoy("build", "-t", "never", where);
    expect(stdout).toContain("before");
    expect(stderr).toContain("returned a non-zero code: 7");
    expect(code).toBe(7);
    expect((await hoy.hoy("inspect", "never")).code).toBe(1);
  });

  test("what can't be built is said with the line, or before anything is sent", async () => {
    await fails(
      hoy.hoy("build", context({ Dockerfile: "FROM busybox\nRUNN x\n" })),
      1,
      /RUNN x[\s\S]*did you mean RUN\?/,
    );
    await fails(hoy.hoy("build", context({ other: "x" })), 1, /unable to prepare context/);
    await fails(hoy.hoy("build", join(root, "nowhere")), 1, /path ".*nowhere" not found/);
    await fails(hoy.hoy("build", "-f", "/etc/hostname", context({})), 1, /must be within the build context/);
    await fails(hoy.hoy("build", context({ Dockerfile: "FROM busybox\nCOPY missing /\n" })), 1, /missing/);
  });
});
