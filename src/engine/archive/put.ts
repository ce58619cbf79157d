// PUT of a container's archive: a stranger's tar unpacked into a directory of the container.

import { readFileSync } from "node:fs";
import type { ArchivePutOptions } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openInRoot } from "../../linux/open.ts";
import { fdstat, S } from "../../linux/stat.ts";
import { MAX_ACCOUNT_FILE } from "../../runtime/userns/passwd.ts";
import { resolveUser } from "../../runtime/userns/user.ts";
import { decompress } from "../../storage/decompress.ts";
import { extractTar } from "../../storage/tree/extract.ts";
import type { ContainerSource } from "../images/contract.ts";
import { locate } from "./locate.ts";
import { type OpenTree, openTree } from "./tree.ts";

export async function putArchive(
  source: ContainerSource,
  options: ArchivePutOptions,
  tar: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  using tree = await openTree(source);
  using place = locate(source, tree, options.path, true);
  requireDirectory(place.root, place.path);
  if (place.mount !== undefined && !place.mount.rw) {
    throw new HoyError("forbidden", "mounted volume is marked read-only");
  }
  // While it runs the kernel says so, and knows of mounts that may be written to after all.
  if (place.mount === undefined && source.readonlyRootfs && !tree.running) {
    throw new HoyError("forbidden", "container rootfs is marked read-only");
  }
  await extractTar(place.root, place.path, decompress(tar, { signal }), {
    noOverwriteDirNonDir: options.noOverwriteDirNonDir,
    owner: options.copyUidGid ? await ownerOf(source, tree) : undefined,
    shift: tree.shift,
    signal,
  });
}

/** @throws SystemError ENOENT when it is not there. */
function requireDirectory(root: number, path: string): void {
  // Without the slash at its end, which would make a file an error of another kind.
  using fd = new OwnedFd(openInRoot(root, path.replace(/\/$/, "") || "/", O.PATH));
  if ((fdstat(fd.fd).mode & S.IFMT) === S.IFDIR) return;
  throw new HoyError("invalid", "extraction point is not a directory");
}

/** The container's user, to whom `cp -a` gives everything; undefined for containers that run as root. */
async function ownerOf(source: ContainerSource, tree: OpenTree) {
  const user = source.config.User ?? "";
  if (user === "") return undefined;
  const { uid, gid } = await resolveUser({ user, groupAdd: [], readFile: async (path) => readText(tree.root, path) });
  return { uid, gid };
}

function readText(root: number, path: string): string | undefined {
  try {
    // NONBLOCK: a fifo in its place must not hold us.
    using fd = new OwnedFd(openInRoot(root, path, O.RDONLY | O.NONBLOCK));
    const { mode, size } = fdstat(fd.fd);
    if ((mode & S.IFMT) !== S.IFREG) return undefined;
    if (size > MAX_ACCOUNT_FILE) throw new HoyError("too-large", `${path} in the container is too large`);
    return readFileSync(fd.fd, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
