// An image with real programs: nginx, PostgreSQL and Redis of Debian, as their packages have them. The packages and the
// libraries they need are fetched by apt, unpacked (not installed: no script runs) beside busybox, and kept as one tar for
// all tests of this machine.

import { appendFile, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./command.ts";
import { baseTar } from "./images.ts";
import { type MadeOnce, madeOnce } from "./made-once.ts";

/** In its name, so that a change here makes another. */
const EDITION = 1;
const PATIENCE = 120_000;

const WANTED = ["nginx", "redis-server", "redis-tools", "postgresql-15", "postgresql-client-15", "netbase", "tzdata"];
/** For just-in-time compilation and other languages than SQL: large, and loaded only when used. */
const LEFT_OUT = /^(libllvm|libperl|libpython|libclang|libgcc-\d+-dev)/;

export const USERS = { postgres: 105, redis: 106, www: 33 } as const;

/** The tar's path, or why there is none. */
export function programsTar(): Promise<MadeOnce> {
  const noApt = () => Bun.which("apt-get") === null || Bun.which("dpkg-deb") === null;
  return madeOnce(
    `programs-${EDITION}.tar`,
    () => (noApt() ? "no apt-get here" : undefined),
    async (directory) => {
      const part = join(directory, "part.tar");
      await makeTar(directory, part).catch((error: unknown) => {
        throw new Error(`Debian's packages could not be had: ${error}`, { cause: error });
      });
      return part;
    },
  );
}

async function makeTar(directory: string, tar: string): Promise<void> {
  const [debs, root] = [join(directory, "debs"), join(directory, "root")];
  await mkdir(debs);
  await mkdir(root);
  const fetch = async () => must(["apt-get", "download", "-q", ...(await closure(WANTED))], debs);
  await fetch().catch(async () => {
    await must(["apt-get", "update", "-q"], debs);
    await fetch();
  });
  await writeFile(join(directory, "base.tar"), await baseTar());
  await must(["tar", "-C", root, "-xf", join(directory, "base.tar")], directory);
  for (const deb of await readdir(debs)) await must(["dpkg-deb", "-x", join(debs, deb), root], debs);
  for (const waste of ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/lib/postgresql/15/lib/bitcode"]) {
    await rm(join(root, waste), { recursive: true, force: true });
  }
  await settle(root);
  await must(["tar", "--numeric-owner", "-C", root, "-cf", tar, "."], directory);
}

/** The packages and every library that they depend on, by the first choice where there are several. */
async function closure(wanted: readonly string[]): Promise<string[]> {
  const found = new Set(wanted);
  const only = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map((each) => `--no-${each}`);
  for (let fresh = [...wanted]; fresh.length > 0; ) {
    const text = await must(["apt-cache", "depends", ...only, ...fresh], "/");
    fresh = [...new Set(firstChoices(text))].filter(
      (name) => /^(lib|zlib)/.test(name) && !LEFT_OUT.test(name) && !found.has(name),
    );
    for (const name of fresh) found.add(name);
  }
  return [...found];
}

/** apt-cache marks all but the last of several choices with a bar. */
function firstChoices(text: string): string[] {
  const chosen: string[] = [];
  let others = false;
  for (const [, bar, name = ""] of text.matchAll(/^ ([ |])(?:Pre)?Depends: (\S+)$/gm)) {
    if (!others) chosen.push(name);
    others = bar === "|";
  }
  return chosen;
}

/** What the packages' scripts would do: users, and directories that are theirs. */
async function settle(root: string): Promise<void> {
  const { postgres, redis, www } = USERS;
  const users: [string, number, string][] = [
    ["postgres", postgres, "/var/lib/postgresql"],
    ["redis", redis, "/var/lib/redis"],
    ["www-data", www, "/var/www"],
  ];
  for (const [name, id, home] of users) {
    await appendFile(join(root, "etc/passwd"), `${name}:x:${id}:${id}::${home}:/bin/sh\n`);
    await appendFile(join(root, "etc/group"), `${name}:x:${id}:\n`);
  }
  await symlink("/run", join(root, "var/run"));
  const owned: [string, number, string][] = [
    ["var/lib/postgresql/data", postgres, "700"],
    ["run/postgresql", postgres, "755"],
    ["var/lib/redis", redis, "750"],
    ["var/www/html", www, "755"],
    ["var/log/nginx", 0, "755"],
    ["var/lib/nginx", 0, "755"],
  ];
  for (const [path, id, mode] of owned) {
    await must(["install", "-d", "-m", mode, "-o", String(id), "-g", String(id), join(root, path)], root);
  }
}

async function must(argv: readonly string[], cwd: string): Promise<string> {
  const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const { code, stdout, stderr } = await command(argv, { cwd, env, patience: PATIENCE });
  if (code !== 0) throw new Error(`${argv[0]} ${argv[1]}: ${stderr.trim().split("\n").at(-1)}`);
  return stdout;
}
