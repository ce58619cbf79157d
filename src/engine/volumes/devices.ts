// Mounts of the volumes that have a device (bind, tmpfs, nfs …): made at a volume's `_data` when its first user comes,
// undone when its last one goes. Users are a set of names and not a number, so saying the same twice does no harm, and
// the mount table is the truth: what an engine that was killed has mounted is found there and not mounted again.

import { HoyError } from "../../base/error.ts";
import { SystemError } from "../../linux/libc.ts";
import { MS, mount } from "../../linux/mount.ts";
import { isMountPoint } from "../../linux/mount-table.ts";
import { Lock } from "../lock.ts";
import { attachDisk, DISK_TYPE } from "./disk.ts";
import { type DeviceMount, LOOP } from "./local-options.ts";
import type { Mounter, NamedMount } from "./mounter.ts";
import { reachable } from "./server.ts";

export class VolumeDevices {
  readonly #users = new Map<string, Set<string>>();
  readonly #locks = new Map<string, Lock>();
  readonly #mounter: Mounter;
  /** Until every container is taken up, a mount without users may have some that are not known yet. */
  #known = false;

  constructor(mounter: Mounter) {
    this.#mounter = mounter;
  }

  /**
   * Mounts the device at `path`, if it is not there yet, for one more user. Idempotent for the same user.
   * @throws HoyError "invalid" with Docker's words when the kernel refuses.
   */
  acquire(path: string, device: DeviceMount, user: string): Promise<void> {
    return this.#lock(path).run(async () => {
      if (!isMountPoint(path)) await mountDevice(path, device, this.#mounter);
      const users = this.#users.get(path) ?? new Set();
      this.#users.set(path, users.add(user));
    });
  }

  /** The mount goes with its last user. Idempotent. */
  release(path: string, user: string): Promise<void> {
    return this.#lock(path).run(async () => {
      const users = this.#users.get(path);
      users?.delete(user);
      if (this.#known && (users === undefined || users.size === 0)) await this.#forget(path);
    });
  }

  /** From now on all users are known. */
  settle(): void {
    this.#known = true;
  }

  /** Undoes what is mounted and has no user: what a killed engine left, or what is about to be removed. Idempotent. */
  releaseUnused(path: string): Promise<void> {
    return this.#lock(path).run(async () => {
      if ((this.#users.get(path)?.size ?? 0) === 0) await this.#forget(path);
    });
  }

  /** Runs `work` while nothing is mounted at `path` and nobody can mount it. @throws what `busy` makes when somebody uses it. */
  alone(path: string, busy: () => HoyError, work: () => Promise<void>): Promise<void> {
    return this.#lock(path).run(async () => {
      if ((this.#users.get(path)?.size ?? 0) > 0) throw busy();
      await this.#forget(path);
      await work();
    });
  }

  /** @throws when it can't be undone; nothing may be removed below the path then. */
  async #forget(path: string): Promise<void> {
    this.#users.delete(path);
    // Whoever removes the directory next must not find another's files in it.
    while (isMountPoint(path)) await this.#mounter.unmount(path);
  }

  #lock(path: string): Lock {
    const lock = this.#locks.get(path) ?? new Lock();
    this.#locks.set(path, lock);
    return lock;
  }
}

/** What is mounted at once, whatever the other end: it is not worth a process. */
const QUICK: ReadonlySet<string> = new Set(["tmpfs", LOOP]);

async function mountDevice(path: string, device: DeviceMount, mounter: Mounter): Promise<void> {
  const { type, device: source, flags, propagation } = device;
  // Held until it is mounted, which keeps it from then on.
  using disk = type === LOOP ? attachDisk(path, (flags & MS.RDONLY) !== 0) : undefined;
  try {
    const what = disk === undefined ? { source, type } : { source: disk.path, type: DISK_TYPE };
    const options = { ...what, target: path, data: await reachable(device) };
    const bind = flags & (MS.BIND | MS.REC);
    const slow = bind === 0 && !QUICK.has(type);
    const make = async (one: NamedMount): Promise<void> => (slow ? mounter.mount(one) : mount(one));
    await make({ ...options, flags: bind === 0 ? flags : bind });
    try {
      // A bind takes its other flags only in a second call (mount(2)).
      const rest = flags & ~bind;
      if (bind !== 0 && rest !== 0) await make({ ...options, data: "", flags: MS.REMOUNT | MS.BIND | rest });
      // Else what is done to it could be seen on the host's own mounts, and the other way round.
      await make({ target: path, type, flags: propagation === 0 ? MS.PRIVATE | MS.REC : propagation });
    } catch (error) {
      await mounter.unmount(path);
      throw error;
    }
  } catch (error) {
    const why = error instanceof SystemError || error instanceof HoyError ? error.message : String(error);
    const message = `error while mounting volume '${path}': failed to mount local volume: mount ${source || type}:${path}: ${why}`;
    throw new HoyError("invalid", message, { cause: error });
  }
}
