// One file action on a tree: copy, file, directory, symlink, remove.

import { HoyError } from "../../../base/error.ts";
import { globMatch } from "../../../image/glob.ts";
import { type RawText, rawToText, textToRaw } from "../../../storage/tar/entry.ts";
import type { FileChange, Owner } from "../../graph.ts";
import { type Attributes, MADE_AT, NO_XATTRS } from "./attributes.ts";
import { type CopyContext, copyInto } from "./copy.ts";
import { NO_DEVICE } from "./draft.ts";
import { ownerIds } from "./owner.ts";
import type { CopySource } from "./select.ts";
import { type Path, shown, type WorkingTree } from "./working-tree.ts";

export type ChangeContext = Omit<CopyContext, "tree" | "source"> & {
  /** The copy's source. */
  readonly source: CopySource | undefined;
};

export async function changeTree(tree: WorkingTree, change: FileChange, context: ChangeContext): Promise<void> {
  switch (change.type) {
    case "copy":
      if (context.source === undefined) throw new HoyError("invalid", "a copy without a source");
      return copyInto({ ...context, tree, source: context.source }, change);
    case "file":
      return makeFile(tree, change);
    case "directory":
      return makeDirectory(tree, change);
    case "symlink":
      return makeLink(tree, change);
    case "remove":
      return remove(tree, change);
  }
}

function makeFile(tree: WorkingTree, change: Extract<FileChange, { type: "file" }>): void {
  const path = tree.resolve(change.path);
  if (tree.find(path)?.kind === "dir") throw new HoyError("invalid", `${shown(path)} is a directory`);
  requireParent(tree, path, change.path);
  const { data, mode } = change;
  tree.put(path, {
    kind: "leaf",
    inode: {
      type: "file",
      attributes: made(tree, change.owner, mode, change.created),
      target: "",
      device: NO_DEVICE,
      size: data.length,
      content: { kind: "bytes", data },
    },
  });
}

function makeDirectory(tree: WorkingTree, change: Extract<FileChange, { type: "directory" }>): void {
  const path = tree.resolve(change.path);
  const there = tree.find(path);
  if (there?.kind === "dir") {
    if (change.parents) return;
    throw new HoyError("invalid", `mkdir ${change.path}: file exists`);
  }
  if (there !== undefined) throw new HoyError("invalid", `mkdir ${change.path}: not a directory`);
  if (!change.parents) requireParent(tree, path, change.path);
  const attributes = made(tree, change.owner, change.mode, change.created);
  tree.directory(path, () => attributes);
}

function makeLink(tree: WorkingTree, change: Extract<FileChange, { type: "symlink" }>): void {
  const path = tree.resolve(change.path, false);
  if (tree.find(path) !== undefined) throw new HoyError("invalid", `symlink ${change.path}: file exists`);
  requireParent(tree, path, change.path);
  tree.put(path, {
    kind: "leaf",
    inode: {
      type: "symlink",
      attributes: made(tree, change.owner, 0o777, change.created),
      target: textToRaw(change.target),
      device: NO_DEVICE,
      size: 0,
      content: undefined,
    },
  });
}

function remove(tree: WorkingTree, change: Extract<FileChange, { type: "remove" }>): void {
  const paths = change.allowWildcard ? matching(tree, change.path) : [tree.resolve(change.path, false)];
  const there = paths.filter((path) => path.length > 0 && tree.find(path) !== undefined);
  if (there.length === 0 && !change.allowMissing) {
    throw new HoyError("not-found", `lstat ${change.path}: no such file or directory`);
  }
  for (const path of there) tree.remove(path);
}

/** Wildcards in any part; a link to a directory is followed where another part comes after it. */
function matching(tree: WorkingTree, pattern: string): RawText[][] {
  let found: RawText[][] = [[]];
  for (const part of pattern.split("/").filter((each) => each !== "" && each !== ".")) {
    found = found.flatMap((at) => {
      const here = tree.resolve(at);
      if (!/[*?[\\]/.test(part)) return [[...here, textToRaw(part)]];
      if (tree.find(here)?.kind !== "dir") return [];
      return tree
        .names(here)
        .filter((name) => globMatch(part, rawToText(name)))
        .map((name) => [...here, name]);
    });
  }
  return found;
}

function requireParent(tree: WorkingTree, path: Path, text: string): void {
  if (tree.find(path.slice(0, -1))?.kind !== "dir") {
    throw new HoyError("not-found", `${text}: no such file or directory`);
  }
}

function made(tree: WorkingTree, owner: Owner | undefined, mode: number, created: number | undefined): Attributes {
  const { uid = 0, gid = 0 } = ownerIds(tree, owner);
  const mtime = created === undefined ? MADE_AT : BigInt(created) * 1_000_000_000n;
  return { mode: mode & 0o7777, uid, gid, mtime, xattrs: NO_XATTRS };
}
