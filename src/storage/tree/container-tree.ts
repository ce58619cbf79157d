// The tree of a container that does not run, as it would see it: an overlay that is mounted nowhere, only held by a
// descriptor. Closing it unmounts; a crash leaves nothing.
//
// Never of a running container: its shim has the overlay mounted in its own namespace, and two overlays with one upper
// are undefined behaviour. Its tree is /proc/PID/root (with the ids of its user namespace, see ids.ts).

import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { AT } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { FsContext, MNT, mount, OPEN_TREE, openTree, unmount } from "../../linux/mount.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";

export interface ContainerTreeParts {
  /** Top first, as SnapshotDriver.mountChain gives them. */
  readonly lowers: readonly string[];
  /** With `work`: writable. Without both: read-only, the image alone. */
  readonly upper?: string;
  readonly work?: string;
}

/**
 * Opens the tree; the descriptor (O_PATH) is its root. The caller closes it (`using`), and then the overlay is gone.
 *
 * It must be this descriptor that stays open, not another one of the same directory: with it the kernel takes the mount
 * out of its namespace, and openat2(2) then fails with EAGAIN for every ".." behind a link.
 */
export function openContainerTree(parts: ContainerTreeParts): OwnedFd {
  const { lowers, upper, work } = parts;
  if ((upper === undefined) !== (work === undefined)) throw new HoyError("internal", "an upper directory needs a work");
  const [only, ...others] = upper === undefined ? lowers : [upper, ...lowers];
  if (only === undefined) throw new HoyError("internal", "a container's tree needs a directory");
  // One directory alone is the tree; overlay itself wants two.
  if (others.length === 0) return new OwnedFd(openat2(AT.FDCWD, only, { flags: O.PATH | O.DIRECTORY }));
  if (!oneByOne) return new OwnedFd(mountedAndLetGo(parts));
  try {
    return new OwnedFd(detached(parts));
  } catch (error) {
    if (!isErrno(error, "EINVAL", "ENOSYS")) throw error;
    const tree = new OwnedFd(mountedAndLetGo(parts, error));
    oneByOne = false; // the same, said in the old way, works
    return tree;
  }
}

/** Before Linux 6.5 overlay takes no layers one by one, and writes a line into the kernel's log whenever it is asked to. */
let oneByOne = true;

function detached({ lowers, upper, work }: ContainerTreeParts): number {
  using context = new FsContext("overlay");
  for (const lower of lowers) context.setPath("lowerdir+", lower);
  if (upper !== undefined && work !== undefined) {
    context.setPath("upperdir", upper);
    context.setPath("workdir", work);
  }
  for (const [key, value] of OPTIONS) context.set(key, value);
  return context.mount();
}

/** With either on, an upper could hold files that mean others (overlay-marks.ts), and kernels differ in the default. */
const OPTIONS = [
  ["redirect_dir", "off"],
  ["metacopy", "off"],
  ["index", "off"],
] as const;

/** The old way: mounted for a moment, cloned as a mount that is nowhere, and unmounted. */
export function mountedAndLetGo({ lowers, upper, work }: ContainerTreeParts, cause?: unknown): number {
  const target = mkdtempSync(join(tmpdir(), "hoy-tree-"));
  // Short names by descriptors: mount(2)'s options must fit a page.
  const held = lowers.map((lower) => new OwnedFd(openat2(AT.FDCWD, lower, { flags: O.PATH | O.DIRECTORY })));
  try {
    const layers = `lowerdir=${held.map(({ fd }) => `/proc/self/fd/${fd}`).join(":")}`;
    const writable = upper === undefined ? [] : [`upperdir=${escaped(upper)}`, `workdir=${escaped(work ?? "")}`];
    const data = [layers, ...writable, ...OPTIONS.map(([key, value]) => `${key}=${value}`)].join(",");
    if (data.length > 4095) throw new HoyError("internal", "the image has too many layers for this kernel", { cause });
    mount({ source: "overlay", target, type: "overlay", data });
    try {
      return openTree(AT.FDCWD, target, OPEN_TREE.CLONE);
    } finally {
      unmount(target, MNT.DETACH);
    }
  } finally {
    for (const fd of held) fd[Symbol.dispose]();
    rmdirSync(target);
  }
}

function escaped(path: string): string {
  return path.replaceAll(/[\\,:]/g, (character) => `\\${character}`);
}
