// Names of accounts. Users and organisations share one space, as both own the repositories under their name; a robot is
// "owner+name", which can be neither.

import { HoyError } from "../../../base/error.ts";

/** Also a repository's first component. */
const OWNER = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const LIMIT = 64;

export interface RobotName {
  readonly owner: string;
  readonly short: string;
}

/** @throws HoyError "invalid" */
export function requireOwnerName(kind: "user" | "organisation", name: string): void {
  if (OWNER.test(name) && name.length <= LIMIT) return;
  throw new HoyError("invalid", `invalid ${kind} name ${JSON.stringify(name.slice(0, 100))}`, {
    hint: "lower-case letters and digits, with single . _ - between them",
  });
}

/** undefined when the text is no robot's name. */
export function parseRobotName(text: string): RobotName | undefined {
  const [owner, short, rest] = text.split("+");
  if (owner === undefined || short === undefined || rest !== undefined) return undefined;
  const right = [owner, short].every((part) => OWNER.test(part) && part.length <= LIMIT);
  return right ? { owner, short } : undefined;
}
