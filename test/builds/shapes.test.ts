// Real Dockerfiles' shapes, built through `hoy build` and docker's classic client, and by Debian's buildah where it is:
// the same config field by field, the same files entry by entry. A quick part always; all of them with `./check builds`.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { have } from "../harness/needs.ts";
import { buildahIn } from "./buildah.ts";
import { type Built, fieldsOf, unordered } from "./built.ts";
import { SHAPES, type Shape } from "./shapes.ts";
import { toolboxContext } from "./toolbox.ts";
import { listTar } from "./trees.ts";

const all = process.env.HOY_TEST_BUILDS === "all";
const withBuildah = all && Bun.which("buildah") !== null;
const hoy = await testDaemon();
const root = mkdtempSync(join(hoy.root, "shapes-"));
const NET = ["--network", "none"];

function context(files: Readonly<Record<string, string>>): string {
  const directory = join(root, unique("context"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

await ok(hoy.hoy("build", ...NET, "-q", "-t", "toolbox", context(toolboxContext())));

const buildah = buildahIn(join(root, "buildah"), "vfs");
if (withBuildah) {
  const archive = join(root, "toolbox.tar");
  await ok(hoy.hoy("save", "-o", archive, "toolbox"));
  await buildah("pull", "-q", `docker-archive:${archive}`);
}

async function byHoy({ flags = [] }: Shape, where: string): Promise<Built> {
  const [tag, tar] = [unique("shape"), join(root, unique("tree"))];
  await ok(hoy.hoy("build", ...NET, ...flags, "-q", "-t", tag, where));
  await ok(hoy.hoy("build", ...NET, ...flags, "-q", "-o", `type=tar,dest=${tar}`, where));
  const config = JSON.parse(await ok(hoy.hoy("inspect", "-f", "{{json .Config}}", tag)));
  return { config: fieldsOf(config), files: await listTar(tar) };
}

async function layersOf(image: string): Promise<string> {
  return ok(hoy.hoy("inspect", "-f", "{{json .RootFS.Layers}} {{json .Config}}", image));
}

for (const shape of SHAPES) {
  if (!all && shape.quick !== true) continue;
  test(shape.name, async () => {
    const where = context({ Dockerfile: shape.dockerfile, ...shape.files });
    const ours = await byHoy(shape, where);
    if (have.docker) {
      const [classic, again] = [unique("shape"), unique("shape")];
      const build = ["build", ...NET, ...(shape.flags ?? []), "-q", "-t"];
      await ok(hoy.docker.with({ env: { DOCKER_BUILDKIT: "0" } }, ...build, classic, where));
      await ok(hoy.hoy(...build, again, where));
      expect(await layersOf(classic)).toBe(await layersOf(again));
    }
    if (!withBuildah || shape.newer === true) return;
    const theirs = await buildah.build(where, shape.flags ?? []);
    expect(unordered(ours.config)).toEqual(unordered(theirs.config));
    expect(ours.files).toEqual(theirs.files);
  }, 300_000);
}
