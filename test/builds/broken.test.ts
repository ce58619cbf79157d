// Builds that fail at the engine: what is looked for is named, nothing outside of the context is read, nothing is tagged.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "tar-stream";
import { ok } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const root = mkdtempSync(join(tmpdir(), "hoy-broken-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

mkdirSync(join(root, "dir"));
for (const name of ["here", "dir/f"]) writeFileSync(join(root, name), "x");
symlinkSync("/etc/shadow", join(root, "out"));
symlinkSync("../../../../../../etc", join(root, "out-dir"));

const build = (dockerfile: string, ...flags: string[]) =>
  hoy.hoy.with({ input: dockerfile }, "build", "--network", "none", "-t", "broken", ...flags, "-f", "-", root);

const BROKEN: readonly (readonly [name: string, text: string, says: string])[] = [
  ["a bind mount of what is not there", "RUN --mount=source=none,target=/x true", '"/none": not found'],
  ["a secret that is needed", "RUN --mount=type=secret,id=s,required true", "secret s: not found"],
  ["an agent that is needed", "RUN --mount=type=ssh,required true", "ssh"],
  ["a file that the stage has not", "RUN true\nFROM busybox\nCOPY --from=0 /none /", '"/none": not found'],
  ["a file that is not there", "COPY here none /", '"/none": not found'],
  ["a file above the context", "COPY ../../etc/passwd /", '"/etc/passwd": not found'],
  ["a link that leads out of the context", "COPY out /", '"/out": not found'],
  ["a path through a link that leads out", "COPY out-dir/passwd /", '"/out-dir/passwd": not found'],
  ["a file as a directory", "COPY here/x /", '"/here/x": not found'],
  ["a directory over a file", "RUN touch /f\nCOPY dir /f", "not a directory: /f"],
  ["an owner that is nobody", "COPY --chown=nobody-such here /", "unable to find user nobody-such"],
  ["a URL that nobody serves", "ADD http://127.0.0.1:1/x /", "failed to load http://127.0.0.1:1/x"],
  ["a git repository that nobody serves", "ADD https://127.0.0.1:1/x.git /", "https://127.0.0.1:1/x.git"],
  ["a command that fails", "RUN echo last words; exit 7", "did not complete successfully: exit code: 7"],
  ["a command that is not there", "RUN nonesuch", "exit code: 127"],
  ["a program that is not there", 'RUN ["/nonesuch"]', 'exec: "/nonesuch"'],
  ["a shell that is not there", "RUN true\nFROM scratch\nRUN true", 'exec: "/bin/sh"'],
  ["a user that is nobody", "USER nonesuch\nRUN true", "unable to find user nonesuch"],
  ["a here-document that fails", "RUN <<EOF\nset -e\nfalse\necho not here\nEOF", "exit code: 1"],
];

test.each(BROKEN)("%s", async (_, text, says) => {
  const { code, stderr } = await build(`FROM busybox\n${text}\n`);
  expect(stderr).toContain(says);
  expect(stderr).toMatch(/^ +\d+ \| >>> /m);
  expect(code).toBe(1);
  expect((await hoy.hoy("inspect", "broken")).code).toBe(1);
});

test("contexts whose tar would leave its root, or is no tar", async () => {
  const tarOf = async (entry: Parameters<ReturnType<typeof pack>["entry"]>[0], data = "x") => {
    const tar = pack();
    tar.entry({ name: "Dockerfile" }, "FROM busybox\nCOPY . /c\n");
    tar.entry(entry, data);
    tar.finalize();
    const chunks: Uint8Array[] = [];
    for await (const chunk of tar) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  };
  const from = (input: Uint8Array) => hoy.hoy.with({ input }, "build", "--network", "none", "-q", "-t", "broken", "-");
  for (const name of ["../../escaped", "a/../../escaped", "/../escaped"]) {
    const { code, stderr } = await from(await tarOf({ name }));
    // Either refused, or kept inside as in a chroot; never outside.
    if (code !== 0) expect(stderr).toContain("ERROR");
    else
      expect(
        await ok(hoy.hoy("run", "--rm", "--network", "none", "broken", "find", "/c", "-name", "escaped")),
      ).toContain("/c/");
  }
  const cut = (await tarOf({ name: "big" }, "x".repeat(100_000))).subarray(0, 50_000);
  const { code, stderr } = await from(cut);
  expect([code, stderr.includes("ERROR")]).toEqual([1, true]);
  const noise = await from(Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 251)));
  expect(noise.code).toBe(1);
});
