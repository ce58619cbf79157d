// A git repository as a source: `git` fetches one commit, shallow, into a bare directory of its own; the tree is what
// that commit has. How git is run is in git-command.ts.

import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join, posix } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { AT } from "../../linux/at.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";
import { textToRaw } from "../../storage/tar/entry.ts";
import type { Source } from "../graph.ts";
import { canonical } from "../solver/digests.ts";
import { Git } from "./git-command.ts";
import type { Operation, OperationContext } from "./operation.ts";
import { MADE_AT } from "./tree/attributes.ts";
import { copyInto } from "./tree/copy.ts";
import { emitDraft } from "./tree/emit.ts";
import type { CopySource } from "./tree/select.ts";
import { WorkingTree } from "./tree/working-tree.ts";

type GitSource = Extract<Source, { type: "git" }>;

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

export async function prepareGit(source: GitSource, context: OperationContext): Promise<Operation> {
  checkSource(source);
  const socket = /^(?:ssh:|[^/:]+@[^/]+:)/.test(source.url)
    ? await context.session.ssh("default", context.signal)
    : undefined;
  const git = new Git(socket);
  const commit = await commitOf(source, git, context.signal);
  if (source.checksum !== "" && !commit.startsWith(source.checksum)) {
    throw new HoyError("invalid", `expected checksum to match ${source.checksum}, got ${commit}`);
  }
  const { url, subdirectory, keepGitDir, skipSubmodules } = source;
  return {
    key: sha256(
      canonical({ kind: "git", url: keepGitDir ? url : "", commit, subdirectory, keepGitDir, skipSubmodules }),
    ),
    type: "source.git.checkout",
    heavy: false,
    async run({ signal, layers }) {
      const directory = join(context.needs.directories.temporary, `build-git-${randomUUID()}`);
      await mkdir(directory, { mode: 0o700 });
      try {
        await checkOut(source, commit, directory, git, signal);
        using held = new DisposableStack();
        const root = held.use(new OwnedFd(openat2(AT.FDCWD, directory, { flags: O.PATH | O.DIRECTORY })));
        const from: CopySource = { root: async () => root, known: undefined };
        const tree = new WorkingTree(undefined);
        await copyInto(
          { tree, source: from, held, temporary: context.needs.directories.temporary, signal },
          wholeTree(subdirectory, keepGitDir),
        );
        const clamp = context.clamp ?? MADE_AT;
        const layer = await layers.add(emitDraft(tree.root, { clamp, signal }), signal);
        return { outputs: [[layer.diffId]], size: layer.size };
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}

async function checkOut(source: GitSource, commit: string, into: string, git: Git, signal: AbortSignal) {
  await git.run(["init", "--quiet", "--template=", into], undefined, signal);
  await git.run(["remote", "add", "--", "origin", source.url], into, signal);
  const shallow = ["fetch", "--progress", "--no-tags", "--depth=1", "--no-recurse-submodules", "--", "origin"];
  try {
    await git.run([...shallow, commit], into, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    // Servers need not give a commit by its number: then what names it is fetched, with all that is behind it.
    const wanted = COMMIT.test(source.ref) || source.ref === "" ? "+refs/heads/*:refs/remotes/origin/*" : source.ref;
    await git.run(["fetch", "--progress", "--tags", "--no-recurse-submodules", "--", "origin", wanted], into, signal);
  }
  await git.run(["checkout", "--progress", "--force", "--detach", commit], into, signal);
  if (source.skipSubmodules !== true) {
    const modules = ["submodule", "update", "--init", "--recursive", "--depth=1", "--progress"];
    await git.run(modules, into, signal);
  }
  if (!source.keepGitDir) await rm(join(into, ".git"), { recursive: true, force: true });
}

/** The commit that a branch, a tag or nothing (the default branch) stands for now. */
async function commitOf({ url, ref }: GitSource, git: Git, signal: AbortSignal): Promise<string> {
  if (COMMIT.test(ref)) return ref;
  const names = ref === "" ? ["HEAD"] : [ref, `${ref}^{}`];
  const text = await git.run(["ls-remote", "--", url, ...names], undefined, signal);
  const found = new Map(
    text.split("\n").flatMap((line) => {
      const [commit = "", name = ""] = line.split("\t");
      return COMMIT.test(commit) ? [[name, commit] as const] : [];
    }),
  );
  const order =
    ref === "" ? ["HEAD"] : [ref, `refs/tags/${ref}^{}`, `refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`];
  for (const name of order) {
    const commit = found.get(name);
    if (commit !== undefined) return commit;
  }
  if (/^[0-9a-f]{7,}$/.test(ref)) {
    throw new HoyError("invalid", `a commit must be given by its whole number: ${ref}`);
  }
  throw new HoyError("not-found", `repository does not contain ref ${ref === "" ? "HEAD" : ref}`);
}

function wholeTree(subdirectory: string, keepGitDir: boolean) {
  return {
    type: "copy",
    source: subdirectory === "" ? "/" : posix.join("/", subdirectory),
    target: "/",
    owner: { user: 0, group: 0 },
    mode: undefined,
    followSymlink: true,
    contentsOnly: true,
    unpack: false,
    createTarget: true,
    allowWildcard: false,
    allowEmptyWildcard: false,
    include: [],
    exclude: keepGitDir ? [] : [".git"],
    parents: false,
    alwaysReplace: false,
    created: undefined,
  } as const;
}

function checkSource({ url, ref, subdirectory }: GitSource): void {
  // What begins with a dash would be an option; "ext::" and the like would be a program.
  if (url.startsWith("-") || !/^(?:https?:\/\/|git:\/\/|ssh:\/\/|[^/:\s-][^/:\s]*@[^/:\s]+:)/.test(url)) {
    throw new HoyError("invalid", `not the address of a git repository: ${url.slice(0, 200)}`);
  }
  if (ref.startsWith("-") || /[\0-\x20\x7f~^:?*[\\]/.test(ref)) {
    throw new HoyError("invalid", `bad git ref: ${JSON.stringify(ref.slice(0, 200))}`);
  }
  if (textToRaw(subdirectory).split("/").includes("..")) {
    throw new HoyError("invalid", `bad subdirectory of a git repository: ${subdirectory.slice(0, 200)}`);
  }
}
