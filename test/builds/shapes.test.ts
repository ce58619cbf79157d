// Real Dockerfiles' shapes, built through `hoy build` and docker's classic client, and by Debian's buildah where it is:
// the same config field by field, the same files entry by entry. A quick part always; all of them with `./check builds`.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { have } from "../harness/needs.ts";
import { SHAPES, type Shape } from "./shapes.ts";
import { toolboxContext } from "./toolbox.ts";
import { type Listing, listTar } from "./trees.ts";

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

/** Storage of its own, so that nothing of the machine's is touched. */
const store = join(root, "buildah");
const buildah = async (...args: string[]): Promise<string> => {
  const own = ["--root", join(store, "root"), "--runroot", join(store, "run"), "--storage-driver", "vfs"];
  const { code, stdout, stderr } = await command(["buildah", ...own, ...args], { patience: 300_000 });
  if (code !== 0) throw new Error(`buildah ${args[0]}: ${stderr}${stdout}`);
  return stdout.trim();
};
if (withBuildah) {
  const archive = join(root, "toolbox.tar");
  await ok(hoy.hoy("save", "-o", archive, "toolbox"));
  await buildah("pull", "-q", `docker-archive:${archive}`);
}

interface Built {
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Listing;
}

/** What an image says of its containers; absent and empty are the same, as in Docker's own. */
const FIELDS = [
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "Healthcheck",
  "OnBuild",
  "Shell",
];

function fieldsOf(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = FIELDS.map((field) => {
    const value = config[field];
    const isEmpty =
      value === null ||
      value === "" ||
      (typeof value === "object" && value !== null && Object.keys(value).length === 0);
    return [field, isEmpty || (field === "WorkingDir" && value === "/") ? undefined : value] as const;
  });
  return Object.fromEntries(kept);
}

/** A variable that is set again keeps its place in Docker's list, and goes to the end of buildah's. */
function unordered(config: Built["config"]): Built["config"] {
  return { ...config, Env: Array.isArray(config.Env) ? config.Env.toSorted() : config.Env };
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

async function byBuildah({ flags = [] }: Shape, where: string): Promise<Built> {
  const tag = unique("shape");
  const tar = join(root, unique("tree"));
  await buildah("bud", "-q", "--isolation", "chroot", "--pull-never", "--format", "docker", ...flags, "-t", tag, where);
  const info = JSON.parse(await buildah("inspect", "--type", "image", tag));
  const container = await buildah("from", "--pull-never", tag);
  const mounted = await buildah("mount", container);
  const packed = await command(["tar", "-C", mounted, "--numeric-owner", "--xattrs", "--format=pax", "-cf", tar, "."]);
  if (packed.code !== 0) throw new Error(packed.stderr);
  await buildah("rm", container);
  const { "io.buildah.version": _, ...Labels } = info.Docker.config.Labels ?? {};
  return { config: fieldsOf({ ...info.Docker.config, Labels }), files: await listTar(tar) };
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
    const theirs = await byBuildah(shape, where);
    expect(unordered(ours.config)).toEqual(unordered(theirs.config));
    expect(ours.files).toEqual(theirs.files);
  }, 300_000);
}
