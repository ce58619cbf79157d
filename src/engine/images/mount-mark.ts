// Which mount a mount is, as text that a row keeps: whether what is at a path now is what was put there. The kernel gives
// a mount's number to the next one as soon as it is free, and a file system's device too; since 6.8 there is a number
// that no other mount gets. Before that, both of the others at once have to be the same.

import { AT } from "../../linux/at.ts";
import { mountPointOf } from "../../linux/mount-table.ts";
import { lstatat, uniqueMountId } from "../../linux/stat.ts";

/** Of the mount that a path is on; names as for lstatat, "" is the descriptor's own. */
export function mountMark(directory: number, name: string): string {
  const { mountId, dev } = lstatat(directory, name);
  return `${mountId} ${dev.major}:${dev.minor} ${uniqueMountId(directory, name) ?? ""}`;
}

/** The mount is at `path`, as far as the table of mounts tells; with another one on it when that has another mark. */
export function isBeneath(mark: string, path: string): boolean {
  const id = BigInt(mark.split(" ")[0] ?? "");
  return mountPointOf(id) === path && lstatat(AT.FDCWD, path).mountId !== id;
}
