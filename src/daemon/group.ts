// Who may use the unix socket: the group's number in /etc/group.

import { readFileSync } from "node:fs";
import { HoyError } from "../base/error.ts";
import { log } from "../base/log.ts";

/**
 * The gid of the group that gets the socket. A number is taken as it is. The default group may be absent: then the
 * socket is root's alone, with a word in the log; one that the user named may not.
 * @throws HoyError "invalid".
 */
export function socketGroup(name: string, given: boolean, file = "/etc/group"): number {
  if (name === "") return 0;
  const found = groupId(readFileSync(file, "utf8"), name);
  if (found !== undefined) return found;
  if (/^\d{1,9}$/.test(name)) return Number(name);
  if (given)
    throw new HoyError("invalid", `group ${name} not found`, { hint: `make it with: groupadd --system ${name}` });
  log.warn("the socket's group is absent: only root may use the socket", { group: name });
  return 0;
}

/** From the text of /etc/group (group(5)): name:password:gid:members. */
export function groupId(text: string, name: string): number | undefined {
  for (const line of text.split("\n")) {
    const [group, , gid = ""] = line.split(":");
    if (group === name && /^\d{1,10}$/.test(gid)) return Number(gid);
  }
  return undefined;
}
