// Which extended attributes of an archive a layer keeps. An image is a stranger's: attributes that would steer our own
// overlay are dropped, and ones that the kernel would not take from setxattr(2) are refused before they reach a disk.

import { badArchive, type RawText } from "../tar/entry.ts";
import type { Inode } from "./tree.ts";

const ACL_ACCESS = "system.posix_acl_access";
const ACL_DEFAULT = "system.posix_acl_default";
const NO_XATTRS: ReadonlyMap<RawText, Uint8Array> = new Map();

/** @throws HoyError "invalid" for a file capability or ACL that is none. */
export function keptXattrs(type: Inode["type"], xattrs: ReadonlyMap<RawText, Uint8Array>) {
  if (xattrs.size === 0) return NO_XATTRS;
  const kept = new Map<RawText, Uint8Array>();
  for (const [name, value] of xattrs) {
    if (!applies(type, name)) continue;
    if (name === "security.capability" && !isCapability(value)) throw badArchive("malformed security.capability");
    if ((name === ACL_ACCESS || name === ACL_DEFAULT) && !isAcl(value)) throw badArchive(`malformed ${name}`);
    kept.set(name, value);
  }
  return kept;
}

function applies(type: Inode["type"], name: RawText): boolean {
  // Overlay's own marks (opaque, redirect, metacopy …): in a layer they would lead a look-up elsewhere.
  if (name.startsWith("trusted.overlay.")) return false;
  // xattr(7): users' attributes are for files and directories only; symlinks have no ACL, files no default one.
  if (name.startsWith("user.") && name.length > "user.".length) return type === "file" || type === "dir";
  if (name === ACL_ACCESS) return type !== "symlink";
  if (name === ACL_DEFAULT) return type === "dir";
  return /^(trusted|security)\../s.test(name);
}

/** struct vfs_ns_cap_data of revision 2 or 3 (include/uapi/linux/capability.h). */
function isCapability(value: Uint8Array): boolean {
  const revision = value[3];
  return (value.length === 20 && revision === 2) || (value.length === 24 && revision === 3);
}

/** struct posix_acl_xattr_header of version 2 and entries of 8 bytes. */
function isAcl(value: Uint8Array): boolean {
  const version = value[0] === 2 && value[1] === 0 && value[2] === 0 && value[3] === 0;
  return version && (value.length - 4) % 8 === 0;
}
