// `--chown`: names and numbers to ids, by the files of the tree that is changed.

import { readSync } from "node:fs";
import { HoyError } from "../../../base/error.ts";
import { O, OwnedFd } from "../../../linux/open.ts";
import { fdstat } from "../../../linux/stat.ts";
import { groupEntries, MAX_ACCOUNT_FILE, parseId, passwdEntries } from "../../../runtime/userns/passwd.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import type { Owner } from "../../graph.ts";
import type { WorkingTree } from "./working-tree.ts";

export interface Ids {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/**
 * undefined members: as the source has it. A user by number alone gives the same number as group, one by name its own
 * group. @throws HoyError "invalid" for a name that the tree's passwd or group does not have.
 */
export function ownerIds(tree: WorkingTree, owner: Owner | undefined): Ids {
  if (owner === undefined) return { uid: undefined, gid: undefined };
  const user = userIds(tree, owner.user);
  const gid = owner.group === undefined ? user.gid : groupId(tree, owner.group);
  return { uid: user.uid, gid };
}

function userIds(tree: WorkingTree, user: string | number | undefined): Ids {
  if (user === undefined || user === "") return { uid: undefined, gid: undefined };
  const number = numberOf(user);
  if (number !== undefined) return { uid: number, gid: number };
  for (const entry of passwdEntries(accounts(tree, "/etc/passwd"))) {
    if (entry.name === user) return { uid: entry.uid, gid: entry.gid };
  }
  throw new HoyError("invalid", `unable to find user ${user}: no matching entries in passwd file`);
}

function groupId(tree: WorkingTree, group: string | number): number {
  const number = numberOf(group);
  if (number !== undefined) return number;
  for (const entry of groupEntries(accounts(tree, "/etc/group"))) if (entry.name === group) return entry.gid;
  throw new HoyError("invalid", `unable to find group ${group}: no matching entries in group file`);
}

function numberOf(id: string | number): number | undefined {
  if (typeof id === "string" && !/^[0-9]+$/.test(id)) return undefined;
  const number = parseId(String(Number(id)));
  if (number === undefined) throw new HoyError("invalid", `${id} is no id of a user or group`);
  return number;
}

function accounts(tree: WorkingTree, path: string): string {
  return tree.readText(path, (fd) => readSmall(fd, path)) ?? "";
}

function readSmall(fd: number, path: string): string {
  const { size } = fdstat(fd);
  if (size > MAX_ACCOUNT_FILE) throw new HoyError("too-large", `${path} in the image is too large`);
  using file = new OwnedFd(reopen(fd, O.RDONLY));
  const buffer = Buffer.alloc(size);
  let length = 0;
  for (let got = -1; got !== 0 && length < size; length += got) {
    got = readSync(file.fd, buffer, length, size - length, length);
  }
  return buffer.toString("utf8", 0, length);
}
