// A .dockerignore read into patterns (moby/patternmatcher, ignorefile), which of two such files counts for a Dockerfile,
// and what a client must send whatever they say.

import { cleanPath } from "./clean.ts";
import { Matcher } from "./matcher.ts";

export const IGNORE_FILE = ".dockerignore";

/** `<Dockerfile>.dockerignore` goes before `.dockerignore`; in this order they are looked for. */
export function ignoreFileNames(dockerfile: string): readonly [string, string] {
  return [`${dockerfile}${IGNORE_FILE}`, IGNORE_FILE];
}

export function parseIgnoreFile(text: string): string[] {
  return text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => (line.startsWith("!") ? `!${relative(line.slice(1).trim())}` : relative(line)));
}

/** The patterns with exceptions for the files that the daemon itself reads from a packed context. */
export function keepBuildFiles(patterns: readonly string[], dockerfile: string): string[] {
  const matcher = new Matcher(patterns);
  const kept = [...new Set([IGNORE_FILE, cleanPath(dockerfile)])].filter((name) => matcher.ignores(name));
  return [...patterns, ...kept.map((name) => `!${name}`)];
}

/** From the context's root, as all patterns are. */
function relative(pattern: string): string {
  if (pattern === "") return "";
  const clean = cleanPath(pattern);
  return clean.length > 1 && clean.startsWith("/") ? clean.slice(1) : clean;
}
