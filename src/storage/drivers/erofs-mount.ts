// Mounting an EROFS image with the tars behind it. By fsopen(2) and fsconfig(2), which take the devices one by one:
// mount(2)'s options end at a page, which is about 40 layers.

import { open } from "node:fs/promises";
import { AT } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { attachMount, FsContext, MNT, MOUNT_ATTR, unmount } from "../../linux/mount.ts";
import { OwnedFd } from "../../linux/open.ts";
import { lstatat } from "../../linux/stat.ts";
import { filesystemOf } from "../../linux/statfs.ts";
import { DEVICE_SLOT_SIZE, DEVICE_TABLE_OFFSET, readDeviceTags, SUPER_OFFSET } from "../erofs/format.ts";

/**
 * Mounts `image` at `target`; which tars it needs stands in its device table. nodev is for whoever looks at the mount
 * itself: in a container the overlay's own flags count, for setuid programs (hence no nosuid here) as for devices.
 */
export async function attachImage(image: string, tarOf: (tag: string) => string, target: string): Promise<void> {
  const devices = (await deviceTags(image)).map(tarOf);
  using context = new FsContext("erofs");
  context.setPath("source", image);
  context.flag("ro");
  for (const device of devices) context.setPath("device", device);
  using tree = new OwnedFd(context.mount(MOUNT_ATTR.RDONLY | MOUNT_ATTR.NODEV));
  attachMount(tree.fd, target);
}

/** True when an image is mounted at `target`, by this engine or an earlier one. */
export function isImageMounted(target: string): boolean {
  try {
    return lstatat(AT.FDCWD, target).mountRoot && filesystemOf(target).type === "erofs";
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** Takes the mount away, if there is one; what still uses it keeps it until it ends. */
export function detachImage(target: string): void {
  while (isImageMounted(target)) unmount(target, MNT.DETACH | MNT.NOFOLLOW);
}

async function deviceTags(image: string): Promise<string[]> {
  const file = await open(image, "r");
  try {
    const head = Buffer.alloc(DEVICE_TABLE_OFFSET);
    await file.read(head, 0, head.length, 0);
    const whole = Buffer.alloc(DEVICE_TABLE_OFFSET + head.readUInt16LE(SUPER_OFFSET + 86) * DEVICE_SLOT_SIZE);
    await file.read(whole, 0, whole.length, 0);
    return readDeviceTags(whole);
  } finally {
    await file.close();
  }
}
