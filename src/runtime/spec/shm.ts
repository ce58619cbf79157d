// /dev/shm of a container whose ipc namespace others may join (--ipc=shareable). A tmpfs that was mounted inside could
// not be shown to another container, so it is mounted on the host, in the bundle, and bound into each of them. It ends
// with the bundle; who joined keeps it for as long as they run.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isErrno } from "../../linux/libc.ts";
import { MNT, MS, mount, unmount } from "../../linux/mount.ts";
import type { IdMap } from "../contract.ts";
import { toHostId } from "../userns/allocate.ts";

export function sharedMemoryPath(bundle: string): string {
  return join(bundle, "shm");
}

/** @param size bytes. Idempotent: what a start that failed left is taken away first. */
export function makeSharedMemory(bundle: string, size: number, idMap: IdMap | undefined): void {
  releaseSharedMemory(bundle);
  const target = sharedMemoryPath(bundle);
  mkdirSync(target, { recursive: true, mode: 0o711 });
  const uid = idMap === undefined ? 0 : (toHostId(idMap.uids, 0) ?? 0);
  const gid = idMap === undefined ? 0 : (toHostId(idMap.gids, 0) ?? 0);
  const data = `mode=1777,size=${size},uid=${uid},gid=${gid}`;
  mount({ source: "shm", target, type: "tmpfs", flags: MS.NOSUID | MS.NODEV | MS.NOEXEC, data });
}

/** Before the bundle is removed. Idempotent. */
export function releaseSharedMemory(bundle: string): void {
  try {
    unmount(sharedMemoryPath(bundle), MNT.DETACH | MNT.NOFOLLOW);
  } catch (error) {
    // EINVAL: nothing is mounted there.
    if (!isErrno(error, "EINVAL", "ENOENT")) throw error;
  }
}
