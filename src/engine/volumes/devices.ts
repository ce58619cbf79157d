// Mounts of the volumes that have a device (bind, tmpfs, nfs …): made at a volume's `_data` when its first user comes,
// undone when its last one goes. Users are a set of names and not a number, so saying the same twice does no harm, and
// the mount table is the truth: what an engine that was killed has mounted is found there and not mounted again.

import { HoyError } from "../../base/error.ts";
import { isErrno, SystemError } from "../../linux/libc.ts";
import { MNT, MS, mount, unmount } from "../../linux/mount.ts";
import { isMountPoint } from "../../linux/mount-table.ts";
import { Lock } from "../lock.ts";
import { attachDisk, DISK_TYPE } from "./disk.ts";
import { type DeviceMount, LOOP } from "./local-options.ts";
import { reachable } from "./server.ts";

export class VolumeDevices {
  readonly #users = new Map<string, Set<string>>();
  readonly #locks = new Map<string, Lock>();
  /** Until every container is taken up, a mount without users may have some that are not known yet. */
  #known = false;

  /**
   * Mounts the device at `path`, if it is not there yet, for one more user. Idempotent for the same user.
   * @throws HoyError "invalid" with Docker's words when the kernel refuses.
   */
  acquire(path: string, device: DeviceMount, user: string): Promise<void> {
    return this.#lock(path).run(async () => {
      if (!isMountPoint(path)) await mountDevice(path, device);
      const users = this.#users.get(path) ?? new Set();
      this.#users.set(path, users.add(user));
    });
  }

  /** The mount goes with its last user. Idempotent. */
  release(path: string, user: string): Promise<void> {
    return this.#lock(path).run(async () => {
      const users = this.#users.get(path);
      users?.delete(user);
      if (this.#known && (users === undefined || users.size === 0)) this.#forget(path);
    });
  }

  /** From now on all users are known. */
  settle(): void {
    this.#known = true;
  }

  /** Undoes what is mounted and has no user: what a killed engine left, or what is about to be removed. Idempotent. */
  releaseUnused(path: string): Promise<void> {
    return this.#lock(path).run(async () => {
      if ((this.#users.get(path)?.size ?? 0) === 0) this.#forget(path);
    });
  }

  /** @throws SystemError when it can't be undone; nothing may be removed below the path then. */
  #forget(path: string): void {
    this.#users.delete(path);
    // Not lazily: whoever removes the directory next must not find another's files in it. Busy means that somebody on
    // the host looks into it; a lazy unmount takes it out of everybody's sight all the same.
    while (isMountPoint(path)) {
      try {
        unmount(path, MNT.NOFOLLOW);
      } catch (error) {
        if (!isErrno(error, "EBUSY")) throw error;
        unmount(path, MNT.DETACH | MNT.NOFOLLOW);
      }
    }
  }

  #lock(path: string): Lock {
    const lock = this.#locks.get(path) ?? new Lock();
    this.#locks.set(path, lock);
    return lock;
  }
}

async function mountDevice(path: string, device: DeviceMount): Promise<void> {
  const { type, device: source, flags, propagation } = device;
  // Held until it is mounted, which keeps it from then on.
  using disk = type === LOOP ? attachDisk(path, (flags & MS.RDONLY) !== 0) : undefined;
  try {
    const what = disk === undefined ? { source, type } : { source: disk.path, type: DISK_TYPE };
    const options = { ...what, target: path, data: await reachable(device) };
    const bind = flags & (MS.BIND | MS.REC);
    mount({ ...options, flags: bind === 0 ? flags : bind });
    try {
      // A bind takes its other flags only in a second call (mount(2)).
      const rest = flags & ~bind;
      if (bind !== 0 && rest !== 0) mount({ ...options, data: "", flags: MS.REMOUNT | MS.BIND | rest });
      // Else what is done to it could be seen on the host's own mounts, and the other way round.
      mount({ target: path, flags: propagation === 0 ? MS.PRIVATE | MS.REC : propagation });
    } catch (error) {
      unmount(path, MNT.DETACH);
      throw error;
    }
  } catch (error) {
    const why = error instanceof SystemError || error instanceof HoyError ? error.message : String(error);
    const message = `error while mounting volume '${path}': failed to mount local volume: mount ${source || type}:${path}: ${why}`;
    throw new HoyError("invalid", message, { cause: error });
  }
}
