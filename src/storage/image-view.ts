// An image's files as a mount that is nowhere yet, for whoever puts it into a directory of the host. Read-only, whatever
// the driver; setuid programs and devices of the image are files like others there (nosuid, nodev), since ids in it are
// the image's own, and 0 is the host's root. It gets and gives no mounts of others (private).

import { AT } from "../linux/at.ts";
import { FsContext, MOUNT_ATTR, MS, OPEN_TREE, openTree, setMountAttributes } from "../linux/mount.ts";
import { OwnedFd } from "../linux/open.ts";
import { openContainerTree } from "./tree/container-tree.ts";

const VIEW = MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV;

/**
 * @param lowers Top first, as SnapshotDriver.mountChain gives them; none: an empty directory.
 * @returns the mount's root. Closing it ends the mount, unless it was put somewhere meanwhile (`attachMount`).
 */
export function openImageView(lowers: readonly string[]): OwnedFd {
  const view = detached(lowers);
  try {
    setMountAttributes(view.fd, { set: VIEW, propagation: MS.PRIVATE });
    return view;
  } catch (error) {
    view[Symbol.dispose]();
    throw error;
  }
}

function detached(lowers: readonly string[]): OwnedFd {
  const [only, ...others] = lowers;
  if (only === undefined) {
    using context = new FsContext("tmpfs");
    context.set("source", "hoy");
    context.set("mode", "755");
    return new OwnedFd(context.mount());
  }
  // A tree of several directories is an overlay of its own already.
  return others.length > 0 ? openContainerTree({ lowers }) : new OwnedFd(openTree(AT.FDCWD, only, OPEN_TREE.CLONE));
}
