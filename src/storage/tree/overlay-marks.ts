// Overlay's own marks in an upper directory (Documentation/filesystems/overlayfs.rst): what is deleted, what hides the
// layers below, and what can't be understood without the overlay that made it.

import { HoyError } from "../../base/error.ts";
import { type FileStatus, S } from "../../linux/stat.ts";
import { getXattr } from "../../linux/xattr.ts";

export const OPAQUE_XATTR = "trusted.overlay.opaque";

/** A character device 0:0 says that the name is deleted. */
export function isWhiteout(status: FileStatus): boolean {
  return (status.mode & S.IFMT) === S.IFCHR && status.rdev.major === 0 && status.rdev.minor === 0;
}

/** `fd` may be O_PATH. */
export function isOpaque(fd: number): boolean {
  return getXattr(`/proc/self/fd/${fd}`, OPAQUE_XATTR, true)?.toString("latin1") === "y";
}

/**
 * Overlays with redirect_dir or metacopy leave files in the upper that mean others; ours are mounted without.
 * @throws HoyError "internal" when there is one: its contents would be wrong in a layer, silently.
 */
export function refuseForeignMarks(fd: number, path: string): void {
  const file = `/proc/self/fd/${fd}`;
  for (const mark of ["trusted.overlay.redirect", "trusted.overlay.metacopy"]) {
    if (getXattr(file, mark, true) === undefined) continue;
    throw new HoyError("internal", `${path} in a container's upper directory has ${mark}, which is not understood`);
  }
}
