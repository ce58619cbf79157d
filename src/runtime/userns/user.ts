// Who a container's process is: "user", "uid", "user:group", "uid:gid" and `--group-add`, looked up in the image's
// own files, never in the host's. A number is an id even when a user of that name exists; one with no entry is fine.

import { HoyError } from "../../base/error.ts";
import { type GroupEntry, groupEntries, MAX_ID, type PasswdEntry, parseId, passwdEntries } from "./passwd.ts";

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first, as Docker sends it to the OCI runtime. */
  readonly additionalGids: readonly number[];
  /** From passwd; "" when there is no entry. */
  readonly home: string;
}

export interface UserRequest {
  /** Config.User; "" is root, or whoever has uid 0 in passwd. */
  readonly user: string;
  /** HostConfig.GroupAdd: names or ids. */
  readonly groupAdd: readonly string[];
  /** Text of "/etc/passwd" and "/etc/group" in the container's root; undefined when there is none. */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

/** @throws HoyError "invalid" for a name that no entry has, or an id out of range; texts are moby's. */
export async function resolveUser(request: UserRequest): Promise<ResolvedUser> {
  const passwd = [...passwdEntries((await request.readFile("/etc/passwd")) ?? "")];
  const group = [...groupEntries((await request.readFile("/etc/group")) ?? "")];
  const [userText, groupText] = splitOnce(request.user);

  const entry = findUser(passwd, userText);
  const uid = entry?.uid ?? numericId(userText) ?? 0;
  const gid = groupText === "" ? (entry?.gid ?? 0) : groupId(group, groupText);
  const implied = groupText === "" && entry ? group.filter((one) => one.members.includes(entry.name)) : [];
  const added = request.groupAdd.map((text) => groupId(group, text));
  const additionalGids = [...new Set([gid, ...implied.map((one) => one.gid), ...added])];
  return { uid, gid, additionalGids, home: entry?.home ?? "" };
}

function findUser(passwd: readonly PasswdEntry[], text: string): PasswdEntry | undefined {
  const uid = text === "" ? 0 : numericId(text);
  if (uid !== undefined) return passwd.find((entry) => entry.uid === uid);
  const entry = passwd.find((one) => one.name === text);
  if (!entry) throw new HoyError("invalid", `unable to find user ${text}: no matching entries in passwd file`);
  return entry;
}

function groupId(groups: readonly GroupEntry[], text: string): number {
  const id = numericId(text);
  if (id !== undefined) return id;
  const entry = groups.find((one) => one.name === text);
  if (!entry) throw new HoyError("invalid", `unable to find group ${text}: no matching entries in group file`);
  return entry.gid;
}

/** The id, undefined for a name. @throws HoyError "invalid" for a number that is none of ours. */
function numericId(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const id = parseId(text.replace(/^\+/, "").replace(/^0+(?=[0-9])/, ""));
  if (id === undefined) throw new HoyError("invalid", `uids and gids must be in range 0-${MAX_ID}`);
  return id;
}

function splitOnce(text: string): [string, string] {
  const colon = text.indexOf(":");
  return colon === -1 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}
