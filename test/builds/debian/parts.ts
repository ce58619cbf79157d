// What the Debian images of builds are made of: a small Debian as a tar, and for each image the packages that it installs.
// The packages are those of that Debian's own release, whatever this machine is, and are only fetched here: they are
// installed by the builds. Kept between runs, about half a gigabyte.

import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../harness/command.ts";
import { debianTar } from "../../images/debian.ts";

/** Kept between runs; HOY_TEST_CACHE puts it elsewhere. */
const CACHE = process.env.HOY_TEST_CACHE ?? join(tmpdir(), "hoy-test-cache");
/** In its name, so that a change here makes another. */
const EDITION = 1;
/** A host without a mirror in reach is not asked again at each run. */
const RETRY_MS = 3_600_000;
const PATIENCE = 600_000;

/** Packages by the image that they make. */
const PACKAGES = {
  c: ["gcc", "libc6-dev", "make", "cmake", "pkg-config", "zlib1g-dev"],
  python: ["python3", "python3-venv", "python3-pip", "python3-setuptools", "python3-wheel"],
  node: ["nodejs", "npm"],
  go: ["golang-go", "ca-certificates"],
  rust: ["rustc", "cargo"],
  java: ["default-jdk-headless"],
  ruby: ["ruby"],
  php: ["php-cli"],
  nginx: ["nginx", "curl"],
  postgres: ["postgresql"],
  redis: ["redis-server"],
} as const;

export type DebianPart = keyof typeof PACKAGES;

/** What a slim image leaves out, too. */
const LEFT_OUT = ["var/cache/apt/archives/*.deb", "var/lib/apt/lists/*", "usr/share/doc/*", "usr/share/man/*"];

export interface DebianParts {
  /** A tar of the root file system. */
  readonly tar: string;
  /** Packages with all that they need, as paths of .deb files. */
  debs(part: DebianPart): string[];
}

export async function debianParts(): Promise<DebianParts | { readonly missing: string }> {
  const path = join(CACHE, `debian-parts-${EDITION}`);
  const parts: DebianParts = {
    tar: join(path, "debian.tar"),
    debs: (part) => readdirSync(join(path, part)).map((name) => join(path, part, name)),
  };
  if (existsSync(path)) return parts;
  const debian = await debianTar();
  if ("missing" in debian) return debian;
  const failed = `${path}.failed`;
  if (existsSync(failed) && Date.now() - statSync(failed).mtimeMs < RETRY_MS)
    return { missing: await Bun.file(failed).text() };
  const making = await mkdtemp(join(CACHE, "debian-parts-"));
  try {
    await make(debian.path, join(making, "root"), join(making, "parts"));
    await rename(join(making, "parts"), path);
    return parts;
  } catch (error) {
    const missing = `Debian's packages could not be had: ${String(error).split("\n")[0]}`;
    await writeFile(failed, missing);
    return { missing };
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

async function make(debian: string, root: string, parts: string): Promise<void> {
  await mkdir(root);
  await mkdir(parts);
  await must(["tar", "-C", root, "--xattrs", "-xf", debian]);
  const without = LEFT_OUT.map((pattern) => `--exclude=./${pattern}`);
  await must(["tar", "-C", root, ...without, "--numeric-owner", "--xattrs", "-cf", join(parts, "debian.tar"), "."]);
  await must(["apt-get", ...aptOf(root, join(root, "tmp")), "-q", "update"]);
  for (const [part, packages] of Object.entries(PACKAGES)) {
    await mkdir(join(parts, part, "partial"), { recursive: true });
    const apt = ["apt-get", ...aptOf(root, join(parts, part))];
    await must([...apt, "-qy", "--no-install-recommends", "--download-only", "install", ...packages]);
    for (const name of await readdir(join(parts, part))) {
      if (!name.endsWith(".deb")) await rm(join(parts, part, name), { recursive: true });
    }
  }
}

/**
 * This machine's apt with the lists, the keys and the installed packages of the root: what is missing there is fetched as
 * this machine fetches its own. It is given no dpkg, so that it can install nothing, least of all here.
 */
function aptOf(root: string, archives: string): string[] {
  const options = {
    "Dir::Bin::dpkg": "/bin/false",
    "Dir::State": join(root, "var/lib/apt"),
    "Dir::State::status": join(root, "var/lib/dpkg/status"),
    "Dir::Cache": join(root, "var/cache/apt"),
    "Dir::Cache::archives": archives,
    "Dir::Etc::sourcelist": join(root, "etc/apt/sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::trustedparts": join(root, "usr/share/keyrings"),
    "Dir::Etc::preferencesparts": "/dev/null",
    "APT::Sandbox::User": "root",
  };
  return Object.entries(options).map(([key, value]) => `-o${key}=${value}`);
}

async function must(argv: readonly string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const { code, stderr } = await command(argv, { env, patience: PATIENCE });
  if (code !== 0) throw new Error(`${argv[0]}: ${stderr.trim().split("\n").at(-1)}`);
}
