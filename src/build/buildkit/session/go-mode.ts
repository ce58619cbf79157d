// Go's os.FileMode, by which fsutil says what a file is; and back. The bits above the permissions are Go's own.

import { HoyError } from "../../../base/error.ts";
import type { TarType } from "../../../storage/tar/entry.ts";

const GO = {
  dir: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  char: 2 ** 21,
  sticky: 2 ** 20,
  irregular: 2 ** 19,
} as const;

const KINDS: Readonly<Record<TarType, number>> = {
  file: 0,
  hardlink: 0,
  dir: GO.dir,
  symlink: GO.symlink,
  char: GO.device + GO.char,
  block: GO.device,
  fifo: GO.fifo,
};

const has = (mode: number, bit: number) => Math.floor(mode / bit) % 2 === 1;

/** undefined for what no archive holds: sockets. @throws HoyError "invalid" for what is nothing at all. */
export function typeOf(mode: number): Exclude<TarType, "hardlink"> | undefined {
  if (has(mode, GO.dir)) return "dir";
  if (has(mode, GO.symlink)) return "symlink";
  if (has(mode, GO.device)) return has(mode, GO.char) ? "char" : "block";
  if (has(mode, GO.fifo)) return "fifo";
  if (has(mode, GO.socket)) return undefined;
  if (has(mode, GO.irregular)) throw new HoyError("invalid", "a file of unknown kind was sent");
  return "file";
}

/** Permissions with setuid, setgid and sticky, as chmod(2) has them. */
export function permissionsOf(mode: number): number {
  const special = (has(mode, GO.setuid) ? 0o4000 : 0) + (has(mode, GO.setgid) ? 0o2000 : 0);
  return (mode % 0o1000) + special + (has(mode, GO.sticky) ? 0o1000 : 0);
}

export function goMode(type: TarType, permissions: number): number {
  const special = (permissions & 0o4000 ? GO.setuid : 0) + (permissions & 0o2000 ? GO.setgid : 0);
  return KINDS[type] + (permissions & 0o777) + special + (permissions & 0o1000 ? GO.sticky : 0);
}
