// Dockerfiles with Debian's real compilers and services (`./check builds-debian`, some minutes): built by `hoy build`,
// docker's classic client, buildx and buildah where they are, compared in config and files, and the image is run and asked.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Buildx, buildxOf, withoutBuildx } from "../harness/buildx.ts";
import { eventually, ok, unique } from "../harness/clients.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";
import { importTar } from "../harness/images.ts";
import { have } from "../harness/needs.ts";
import { type Buildah, buildahIn } from "./buildah.ts";
import { type Built, fieldsOf, unordered } from "./built.ts";
import { BASES, DEBIAN, WITH_PACKAGES } from "./debian/bases.ts";
import { COMPILED } from "./debian/compiled.ts";
import { makeContext } from "./debian/context.ts";
import { type DebianPart, type DebianParts, debianParts } from "./debian/parts.ts";
import { SCRIPTED } from "./debian/scripted.ts";
import { SERVICES } from "./debian/services.ts";
import type { DebianShape } from "./debian/shape.ts";
import { type Listing, listTar } from "./trees.ts";

const PATIENCE = 600_000;
const NET = ["--network", "none"];
const SHAPES = [...COMPILED, ...SCRIPTED, ...SERVICES];
const NAME = "Dockerfiles with Debian's compilers and services";

/**
 * What no two runs of the same commands leave alike, whoever builds: logs with times, caches of other files' times and
 * places, a key pair that ssl-cert makes, and the host's name that it asks debconf about (each builder has its own). It must
 * be there in both, with the same owner and mode.
 */
const OF_THE_RUN = [
  /^var\/log\/(?:apt\/(?:history|term)|dpkg|alternatives)\.log$/,
  /^var\/cache\/(?:ldconfig\/aux-cache|apt\/pkgcache\.bin|debconf\/config\.dat)$/,
  /^etc\/ssl\/(?:private\/ssl-cert-snakeoil\.key|certs\/ssl-cert-snakeoil\.pem)$/,
];
/** The link to that key's certificate is named by the key. */
const BY_KEY = /^(etc\/ssl\/certs\/)[0-9a-f]{8}\.0$/;

class Shop {
  readonly #hoy: TestDaemon;
  readonly #parts: DebianParts;
  readonly #root: string;
  readonly #buildx: Buildx | undefined;
  readonly buildah: Buildah | undefined;

  constructor(hoy: TestDaemon, parts: DebianParts) {
    this.#hoy = hoy;
    this.#parts = parts;
    this.#root = mkdtempSync(join(hoy.root, "debian-"));
    this.#buildx = withoutBuildx === "" ? buildxOf(hoy) : undefined;
    if (Bun.which("buildah") !== null) this.buildah = buildahIn(join(this.#root, "buildah"), "overlay");
  }

  context(files: Readonly<Record<string, string>>, part?: DebianPart): string {
    return makeContext(this.#root, files, part === undefined ? [] : this.#parts.debs(part));
  }

  /** Made here, and taken over by buildah: both build upon the same image. */
  async base(name: string, dockerfile: string, part?: DebianPart): Promise<void> {
    await this.hoy("build", ...NET, "-q", "-t", name, this.context({ Dockerfile: dockerfile }, part));
    if (this.buildah === undefined) return;
    const archive = join(this.#root, `${name}.tar`);
    await this.hoy("save", "-o", archive, name);
    await this.buildah("pull", "-q", `docker-archive:${archive}`);
    rmSync(archive);
  }

  async built({ flags = [] }: DebianShape, where: string, tag: string): Promise<Built> {
    const tar = join(this.#root, unique("tree"));
    await this.hoy("build", ...NET, ...flags, "-q", "-t", tag, where);
    await this.hoy("build", ...NET, ...flags, "-q", "-o", `type=tar,dest=${tar}`, where);
    const config = JSON.parse(await this.hoy("inspect", "-f", "{{json .Config}}", tag));
    const files = await listTar(tar);
    rmSync(tar);
    return { config: fieldsOf(config), files };
  }

  hoy(...args: string[]): Promise<string> {
    return ok(this.#hoy.hoy.with({ patience: PATIENCE }, ...args));
  }

  /** The image by docker's classic client and by buildx: the same layers and config as `tag` has. */
  async sameByOthers({ flags = [] }: DebianShape, where: string, tag: string): Promise<void> {
    const told = (image: string) => this.hoy("inspect", "-f", "{{json .RootFS.Layers}} {{json .Config}}", image);
    const other = unique("shape");
    if (have.docker) {
      const classic = { env: { DOCKER_BUILDKIT: "0" }, patience: PATIENCE };
      await ok(this.#hoy.docker.with(classic, "build", ...NET, ...flags, "-q", "-t", other, where));
      expect(await told(other)).toBe(await told(tag));
    }
    if (this.#buildx === undefined) return;
    await this.#buildx.build(...flags, "-t", `${other}x`, where);
    expect(await told(`${other}x`)).toBe(await told(tag));
  }

  async answer({ asked }: DebianShape, tag: string): Promise<string> {
    const { flags = [], command = [], server } = asked;
    if (server === undefined) return this.hoy("run", "--rm", ...NET, ...flags, tag, ...command);
    const id = await this.hoy("run", "-d", ...NET, ...flags, tag);
    let said = "";
    const answers = async () => {
      const { code, stdout, stderr } = await this.#hoy.hoy("exec", id, ...command);
      said = code === 0 ? stdout.trim() : `${stderr}${await this.hoy("logs", id)}`;
      return code === 0 && said !== "";
    };
    await eventually(answers, `an answer of ${tag}`, 60_000).catch((error: unknown) => {
      throw new Error(`${String(error)}; it said: ${said}`);
    });
    await this.hoy("rm", "-f", "-v", id);
    return said;
  }
}

/** Without contents of what differs from run to run. */
function comparable(files: Listing): Listing {
  const entries = Object.entries(files).map(([name, says]) => {
    const isOfTheRun = OF_THE_RUN.some((pattern) => pattern.test(name));
    const told = isOfTheRun ? says.split(" ").slice(0, 3).join(" ") : says;
    return [says.endsWith("-> ssl-cert-snakeoil.pem") ? name.replace(BY_KEY, "$1HASH.0") : name, told] as const;
  });
  return Object.fromEntries(entries);
}

async function prepare(): Promise<Shop | string> {
  if (process.env.HOY_TEST_BUILDS !== "debian") return "they take minutes: ./check builds-debian";
  const parts = await debianParts();
  if ("missing" in parts) return parts.missing;
  const hoy = await testDaemon({ images: [] });
  await importTar(hoy, "debootstrap", Bun.file(parts.tar));
  const shop = new Shop(hoy, parts);
  await shop.base("debian", DEBIAN);
  return shop;
}

const shop = await prepare();
if (typeof shop === "string") test.skip(`${NAME} (skipped: ${shop})`, () => undefined);
else {
  for (const part of BASES) {
    test(`a Debian with ${part}, by apt`, () => shop.base(part, WITH_PACKAGES, part), PATIENCE);
  }
  for (const shape of SHAPES) {
    const body = async () => {
      const tag = unique("shape");
      const where = shop.context({ Dockerfile: shape.dockerfile, ...shape.files }, shape.debs);
      const ours = await shop.built(shape, where, tag);
      await shop.sameByOthers(shape, where, tag);
      expect(await shop.answer(shape, tag)).toBe(shape.asked.says);
      if (shop.buildah === undefined) return;
      const theirs = await shop.buildah.build(where, shape.flags ?? []);
      expect(unordered(ours.config)).toEqual(unordered(theirs.config));
      expect(comparable(ours.files)).toEqual(comparable(theirs.files));
    };
    test(shape.name, body, PATIENCE);
  }
}
