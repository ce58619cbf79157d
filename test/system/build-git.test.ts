// ADD of git repositories over ssh, from a real sshd, with a key that the client lends: refs, subdirectories, checksums,
// and that neither the key nor its agent stays.

import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contextIn } from "../harness/buildx.ts";
import { ok } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { describeWith, have } from "../harness/needs.ts";
import { sshd } from "../harness/sshd.ts";

async function farAway() {
  const hoy = await testDaemon({ images: [] });
  const { home } = await sshd(hoy);
  const repository = join(hoy.root, "repository");
  mkdirSync(join(repository, "sub"), { recursive: true });
  const git = (...args: string[]) => {
    const who = ["-c", "user.name=a", "-c", "user.email=a@b"];
    return ok(command(["git", "-C", repository, ...who, ...args]));
  };
  await git("init", "-q", "-b", "main");
  writeFileSync(join(repository, "file"), "one");
  writeFileSync(join(repository, "sub/inner"), "deep");
  await git("add", ".");
  await git("commit", "-q", "-m", "one");
  await git("tag", "-a", "-m", "first", "v1");
  const commit = (await git("rev-parse", "HEAD")).trim();
  writeFileSync(join(repository, "file"), "two");
  await git("commit", "-q", "-a", "-m", "two");
  return { hoy, home, repository, commit };
}

const there = have.sshd ? await farAway() : undefined;

describeWith("sshd", "git over ssh", () => {
  if (there === undefined) return;
  const { hoy, home, repository, commit } = there;

  /** What lies below /src after ADD, as "path: text" lines; or the build's complaint. */
  const added = async (add: string, lend = true): Promise<string> => {
    const dir = contextIn(hoy, `FROM scratch\n${add.replaceAll("REPOSITORY", repository)}\n`);
    const out = join(dir, "out");
    const key = lend ? ["--ssh", `default=${join(home, ".ssh/id_ed25519")}`] : [];
    const { code, stderr } = await hoy.hoy("build", "--progress", "plain", ...key, "-o", out, dir);
    if (code !== 0) return stderr;
    return (await ok(command(["sh", "-c", 'cd "$1" && grep -r "" --exclude-dir=.git . | sort', "sh", out]))).trim();
  };

  test("the default branch, a tag, a subdirectory, a commit; with and without what git keeps", async () => {
    expect(await added("ADD root@127.0.0.1:REPOSITORY/.git /")).toBe("./file:two\n./sub/inner:deep");
    expect(await added("ADD ssh://root@127.0.0.1REPOSITORY/.git#v1 /")).toBe("./file:one\n./sub/inner:deep");
    expect(await added("ADD ssh://root@127.0.0.1REPOSITORY/.git#main:sub /")).toBe("./inner:deep");
    expect(await added(`ADD --checksum=${commit} ssh://root@127.0.0.1REPOSITORY/.git#v1 /`)).toContain("./file:one");
    expect(await added("ADD --keep-git-dir=true ssh://root@127.0.0.1REPOSITORY/.git /")).toContain("./file:two");
  }, 60_000);

  test("another checksum, a ref that is not there, no key: said so", async () => {
    const wrong = await added(`ADD --checksum=${"f".repeat(40)} ssh://root@127.0.0.1REPOSITORY/.git#v1 /`);
    expect(wrong).toContain(`expected checksum to match ${"f".repeat(40)}, got ${commit}`);
    expect(await added("ADD ssh://root@127.0.0.1REPOSITORY/.git#none /")).toContain("does not contain ref none");
    expect(await added("ADD ssh://root@127.0.0.1REPOSITORY/.git /", false)).toContain("Permission denied");
  }, 60_000);
});
