// A context that was just received is known without looking at a disk; one of an earlier engine is looked at where it is
// mounted. A copy must come to the same from both: the same cache key, the same layer.

import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ok } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon({ images: [] });
const root = mkdtempSync(join(tmpdir(), "hoy-context-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const COPIES: Readonly<Record<string, string>> = {
  "all of it": "COPY . /",
  "a directory": "COPY src /src",
  "what is in a directory, with an owner and a mode": "COPY --chown=7:8 --chmod=640 src/deep/ /to/",
  "but what is excluded": "COPY --exclude=deep/*.txt --exclude=**/e* src /src",
  "a file, and one with another name": "COPY src/a.txt src/second /to/",
  "a link's own file": "COPY link /to/link",
  "by wildcards": "COPY src/* /to/",
  "with parents": "COPY --parents src/deep/x.txt /to/",
  "an archive and a file beside it": "ADD archive.tar src/a.txt /to/",
  "on its own": "COPY --link src /src",
};

/** A directory of everything that a copy may meet, and a Dockerfile beside it for each of COPIES. */
async function makeTree(name: string): Promise<string> {
  const tree = join(root, name);
  mkdirSync(join(tree, "src/deep/empty"), { recursive: true });
  const files = { "a.txt": "a", "a-b": "beside a directory", "deep/x.txt": "x".repeat(300_000), "deep/none": "" };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(tree, "src", name), text);
  linkSync(join(tree, "src/deep/x.txt"), join(tree, "src/second"));
  symlinkSync("src/a.txt", join(tree, "link"));
  symlinkSync("../src", join(tree, "src/around"));
  chmodSync(join(tree, "src/a.txt"), 0o4751);
  chmodSync(join(tree, "src/deep"), 0o1777);
  utimesSync(join(tree, "src/a.txt"), 1_600_000_000.25, 1_600_000_000.25);
  await command(["mkfifo", join(tree, "src/fifo")]);
  await command(["tar", "-cf", join(tree, "archive.tar"), "-C", join(tree, "src"), "a.txt", "deep"]);
  for (const [index, copy] of Object.values(COPIES).entries()) {
    for (const where of [root, tree]) writeFileSync(join(where, `Dockerfile.${index}`), `FROM scratch\n${copy}\n`);
  }
  return tree;
}

test("the same layers and the same keys from what was received and from what is mounted", async () => {
  const tree = await makeTree("tree");
  const names = Object.keys(COPIES);
  const build = async (index: number, ...flags: string[]) => {
    const file = join(root, `Dockerfile.${index}`);
    const { code, stderr } = await hoy.hoy("build", ...flags, "-t", `c${index}`, "-f", file, tree);
    if (code !== 0) throw new Error(`${COPIES[names[index] ?? ""]}:\n${stderr}`);
    const layers = await ok(hoy.hoy("image", "inspect", "-f", "{{json .RootFS.Layers}}", `c${index}`));
    return { layers, cached: /^#\d+ CACHED$/m.test(stderr) };
  };
  const received: Awaited<ReturnType<typeof build>>[] = [];
  for (const index of names.keys()) received.push(await build(index));
  await hoy.restart();
  for (const [index, name] of names.entries()) {
    const { layers } = received[index] ?? {};
    // First by its key, which is found; then made again from what is mounted.
    expect({ name, ...(await build(index)) }).toEqual({ name, layers: layers ?? "", cached: true });
    expect({ name, ...(await build(index, "--no-cache")) }).toEqual({ name, layers: layers ?? "", cached: false });
  }
});

test("the same from what came in a tar, by the classic builder, with patterns that leave nothing out and without", async () => {
  const tree = await makeTree("sent");
  // Of a time the classic client's tar has the seconds only.
  const round = () => command(["find", tree, "-exec", "touch", "-h", "-d", "@1600000000", "{}", "+"]);
  await round();
  const layersOf = (name: string) => ok(hoy.hoy("image", "inspect", "-f", "{{json .RootFS.Layers}}", name));
  for (const ignored of [undefined, "nothing-of-that-name\n"]) {
    if (ignored !== undefined) {
      writeFileSync(join(tree, ".dockerignore"), ignored);
      await round();
    }
    const names = Object.keys(COPIES);
    for (const [index, name] of (ignored === undefined ? names : names.slice(0, 2)).entries()) {
      const where = ["-f", join(tree, `Dockerfile.${index}`), tree];
      await ok(hoy.hoy("build", "-q", "--no-cache", "-t", "first", ...where));
      const classic = (...flags: string[]) =>
        ok(hoy.hoy.with({ env: { DOCKER_BUILDKIT: "0" } }, "build", "-t", "second", ...flags, ...where));
      // Its key is the same, and so is what it makes.
      const cached = (await classic()).includes("Using cache");
      const found = await layersOf("second");
      await classic("--no-cache");
      const first = await layersOf("first");
      expect({ name, cached, found, made: await layersOf("second") }).toEqual({
        name,
        cached: true,
        found: first,
        made: first,
      });
    }
  }
});

test("what did not change comes from the layer of the last time, small files and large ones", async () => {
  const tree = join(root, "changing");
  mkdirSync(tree);
  const large = "large ".repeat(200_000);
  for (const [name, text] of Object.entries({ large, kept: "kept", changed: "1" }))
    writeFileSync(join(tree, name), text);
  writeFileSync(join(tree, "Dockerfile"), "FROM scratch\nCOPY . /\n");
  const out = join(root, "out");
  const build = async (changed: string) => {
    writeFileSync(join(tree, "changed"), changed);
    const { code, stderr } = await hoy.hoy("build", "--progress", "plain", "-o", out, tree);
    if (code !== 0) throw new Error(stderr);
    const texts = ["large", "kept", "changed"].map((name) => readFileSync(join(out, name), "utf8"));
    expect(texts).toEqual([large, "kept", changed]);
    return /\[internal\] load build context\n(?:.*\n)*?#\d+ transferring context: (\S+) (?:[\d.]+s )?done/.exec(
      stderr,
    )?.[1];
  };
  expect(await build("1")).toBe("1.2MB");
  // Only the one that changed, which has another size each time: its time alone may be the same.
  expect(await build("22")).toBe("2B");
  expect(await build("333")).toBe("3B");
});
