// What the Debian images of builds are made of: a small Debian as a tar, and for each image the packages that it installs.
// The packages are those of that Debian's own release, whatever this machine is, and are only fetched here: they are
// installed by the builds. Kept between runs, about half a gigabyte.

import { readdirSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { command } from "../../harness/command.ts";
import { madeOnce } from "../../harness/made-once.ts";
import { debianTar } from "../../images/debian.ts";

/** In its name, so that a change here makes another. */
const EDITION = 1;
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
  let debian = "";
  const lacking = async () => {
    const found = await debianTar();
    if ("missing" in found) return found.missing;
    debian = found.path;
    return undefined;
  };
  const made = await madeOnce(`debian-parts-${EDITION}`, lacking, async (directory) => {
    const parts = join(directory, "parts");
    await make(debian, join(directory, "root"), parts).catch((error: unknown) => {
      throw new Error(`Debian's packages could not be had: ${error}`, { cause: error });
    });
    return parts;
  });
  if ("missing" in made) return made;
  return {
    tar: join(made.path, "debian.tar"),
    debs: (part) => readdirSync(join(made.path, part)).map((name) => join(made.path, part, name)),
  };
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
