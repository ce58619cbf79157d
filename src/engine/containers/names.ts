// Names of containers: what may be one, and what one is called that was given none.

import { randomInt } from "node:crypto";
import { HoyError } from "../../base/error.ts";
import { ADJECTIVES, MARINERS } from "./words.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const LONGEST = 255;

/** A name without its slash. @throws HoyError "invalid" with Docker's words. */
export function checkName(name: string): string {
  const bare = name.startsWith("/") ? name.slice(1) : name;
  if (!NAME.test(bare) || bare.length > LONGEST) {
    throw new HoyError(
      "invalid",
      `Invalid container name (${name.slice(0, LONGEST + 1)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  }
  return bare;
}

/** A name that is not taken: "calm_magellan", with a digit once the plain ones run out, else the id's beginning. */
export function generateName(taken: (name: string) => boolean, id: string): string {
  for (let attempt = 0; attempt < 12; attempt++) {
    const suffix = attempt < 6 ? "" : String(randomInt(10));
    const name = `${pick(ADJECTIVES)}_${pick(MARINERS)}${suffix}`;
    if (!taken(name)) return name;
  }
  return id.slice(0, 12);
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? "plain";
}
