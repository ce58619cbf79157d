// A tree mounted beside a command's root. Read-only trees that are one directory are mounted as they are; what a command
// may write to, or what only an overlay would put together, is copied out first: overlay itself can't be mounted with
// the ids of a user namespace.

import { readlinkSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { HoyError } from "../../../base/error.ts";
import { AT } from "../../../linux/at.ts";
import { O, OwnedFd, openat2 } from "../../../linux/open.ts";
import { textToRaw } from "../../../storage/tar/entry.ts";
import { openContainerTree } from "../../../storage/tree/container-tree.ts";
import { extractTar } from "../../../storage/tree/extract.ts";
import { treeTar } from "../../../storage/tree/tree-tar.ts";
import type { ExecMount } from "../../graph.ts";
import type { Tree } from "../../solver-contract.ts";
import { differenceTar } from "../tree/difference.ts";
import { openAt } from "../tree/select.ts";
import { partsOf } from "../tree/working-tree.ts";
import type { LendContext } from "./lend.ts";

export interface BoundTree {
  /** Absolute path on the host. */
  readonly source: string;
  changes(clamp: bigint | undefined, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** @param place where a copy may be put; whoever made the directory it is in removes it. */
export async function bindTree(
  mount: ExecMount,
  tree: Tree | undefined,
  place: string,
  { needs, signal }: LendContext,
): Promise<BoundTree> {
  const lowers = await needs.layers.mount(tree?.diffIds ?? []);
  const [only, ...others] = lowers;
  const copied = !mount.readonly || mount.output >= 0 || others.length > 0 || only === undefined;
  if (!copied) {
    using root = openContainerTree({ lowers });
    return { source: pathIn(root, mount.selector), changes: () => never(mount) };
  }
  await mkdir(place, { mode: 0o755 });
  using root = openContainerTree({ lowers });
  using target = new OwnedFd(openat2(AT.FDCWD, place, { flags: O.RDONLY | O.DIRECTORY }));
  await extractTar(target.fd, "/", treeTar(root.fd, "/", { as: "", signal }), { signal });
  return {
    source: pathIn(target, mount.selector),
    changes: (clamp, during) => differenceTar(lowers, place, { clamp, signal: during }),
  };
}

/** A path in a tree as the host names it. Links in it lead to places in the tree. @throws HoyError "not-found". */
function pathIn(root: OwnedFd, selector: string): string {
  using found = openAt(root, partsOf(textToRaw(selector)), true);
  if (found === undefined) throw new HoyError("not-found", `${JSON.stringify(selector)}: not found`);
  return readlinkSync(`/proc/self/fd/${found.fd}`);
}

function never(mount: ExecMount): never {
  throw new HoyError("invalid", `the mount at ${mount.target} is read-only`);
}
