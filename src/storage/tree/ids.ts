// Owners as a container knows them and as they are on the disk. They are the same but for a running container that is
// looked at through /proc/PID/root: there its user namespace's ids show, a block of ids from `base` on.

import { HoyError } from "../../base/error.ts";

export interface IdShift {
  /** The disk's id of the container's 0. */
  readonly uidBase: number;
  readonly gidBase: number;
  /** How many ids the block has. */
  readonly size: number;
}

export const NO_SHIFT: IdShift = { uidBase: 0, gidBase: 0, size: 2 ** 32 - 1 };

/** What the kernel shows for an owner that a namespace does not know (/proc/sys/kernel/overflowuid). */
const NOBODY = 65534;

/** @throws HoyError "invalid" when the container has no such id. */
export function toDisk(id: number, base: number, size: number): number {
  if (id >= size) throw new HoyError("invalid", `owner ${id} is outside of the container's ids (0–${size - 1})`);
  return base + id;
}

export function fromDisk(id: number, base: number, size: number): number {
  return id >= base && id - base < size ? id - base : NOBODY;
}

const CAPABILITY = "security.capability";
const REVISION_2 = 2;
const REVISION_3 = 3;

/**
 * A file capability for the disk: where ids are shifted, it must say that it is for the container's root, or the kernel
 * would take it as the host's (capabilities(7), "File capability extended attribute versioning").
 */
export function xattrToDisk(name: string, value: Uint8Array, shift: IdShift): Uint8Array {
  if (name !== CAPABILITY || shift.uidBase === 0 || value.length !== 20 || value[3] !== REVISION_2) return value;
  const converted = Buffer.alloc(24);
  converted.set(value);
  converted[3] = REVISION_3;
  converted.writeUInt32LE(shift.uidBase, 20);
  return converted;
}

/** The way back: a capability of the container's root is one of revision 2 to the container. */
export function xattrFromDisk(name: string, value: Uint8Array, shift: IdShift): Uint8Array {
  if (name !== CAPABILITY || shift.uidBase === 0 || value.length !== 24 || value[3] !== REVISION_3) return value;
  const converted = Buffer.from(value);
  if (converted.readUInt32LE(20) !== shift.uidBase) return value;
  converted[3] = REVISION_2;
  return converted.subarray(0, 20);
}
