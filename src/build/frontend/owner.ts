// --chown and --chmod.

import { Fault } from "../dockerfile/fault.ts";
import type { Owner } from "../graph.ts";

/** "user:group", names or numbers; a number alone is the group too. undefined: not said. */
export function ownerOf(text: string): Owner | undefined {
  if (text === "") return undefined;
  const colon = text.indexOf(":");
  const user = nameOrNumber(colon < 0 ? text : text.slice(0, colon));
  const group = colon < 0 ? undefined : nameOrNumber(text.slice(colon + 1));
  return { user, group: group ?? (typeof user === "number" ? user : undefined) };
}

function nameOrNumber(text: string): string | number | undefined {
  if (text === "") return undefined;
  return /^\d{1,10}$/.test(text) ? Number(text) : text;
}

const HIGHEST = 0o7777;
const CLAUSE = /^[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+$/;

/** Octal digits as a number, chmod(1)'s words as they are; undefined: not said. @throws Fault */
export function checkMode(text: string): number | string | undefined {
  if (text === "") return undefined;
  if (/^[0-7]{1,11}$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (mode <= HIGHEST) return mode;
  } else if (text.split(",").every((clause) => CLAUSE.test(clause))) return text;
  throw new Fault(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
}
