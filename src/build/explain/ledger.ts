// Why a step was not in the cache: its parts are compared with those of the step that is most like it, among what was
// built before. "Most like it" is a guess, and the same one that a person would make: the same command on other files, or
// another command at the same place.

import type { Digest } from "../../base/digest.ts";
import { MAX_NOTED, type NotedFile, packFiles, tellDifference, unpackFiles } from "./files.ts";
import { type KeyParts, PART } from "./parts.ts";

/** Where parts of steps are kept; rows of the engine's state. */
export interface StepStore {
  add(row: { readonly key: string; readonly kind: string; readonly parts: string; readonly created: string }): void;
  latest(kind: string, most: number): readonly { readonly key: string; readonly parts: string }[];
  addFiles(digest: string, files: Uint8Array, created: string): void;
  files(digest: string): Uint8Array | undefined;
}

export interface ExplainedStep {
  readonly key: Digest;
  readonly kind: "exec" | "file";
  readonly parts: KeyParts;
}

/** Steps that are looked at. */
const CANDIDATES = 500;

export class StepLedger {
  readonly #store: StepStore;
  readonly #now: () => string;

  constructor(store: StepStore, now: () => string) {
    this.#store = store;
    this.#now = now;
  }

  /** The step was made. */
  note({ key, kind, parts }: ExplainedStep): void {
    this.#store.add({ key, kind, parts: JSON.stringify(parts), created: this.#now() });
  }

  noteFiles(digest: Digest, files: readonly NotedFile[]): void {
    if (files.length <= MAX_NOTED) this.#store.addFiles(digest, packFiles(files), this.#now());
  }

  /** Lines that say why it is not in the cache. */
  explain({ key, kind, parts }: ExplainedStep): string[] {
    const known = this.#store.latest(kind, CANDIDATES);
    if (known.some((row) => row.key === key)) return ["it was built before, and its result was pruned since"];
    let best: { readonly parts: KeyParts; readonly score: number } | undefined;
    for (const row of known) {
      const theirs = JSON.parse(row.parts) as KeyParts;
      const score = likeness(parts, theirs);
      if (best === undefined || score > best.score) best = { parts: theirs, score };
    }
    if (best === undefined || best.score < ENOUGH) return ["no step like it was built before"];
    return this.#differences(best.parts, parts);
  }

  #differences(before: KeyParts, after: KeyParts): string[] {
    const lines: string[] = [];
    for (const name of new Set([...Object.keys(after), ...Object.keys(before)])) {
      const [was, is] = [before[name], after[name]];
      if (was !== is) lines.push(...this.#difference(name, was, is));
    }
    // The image says it already.
    const isBase = before[PART.base] !== after[PART.base];
    return isBase ? lines.filter((line) => !line.startsWith(BELOW)) : lines;
  }

  #difference(name: string, was: string | undefined, is: string | undefined): string[] {
    if (name.startsWith(PART.files)) {
      const [before, after] = [was, is].map((digest) => (digest === undefined ? undefined : this.#files(digest)));
      const what = name.slice(PART.files.length);
      if (before === undefined || after === undefined) return [`files of ${what}: ${short(was)} → ${short(is)}`];
      return tellDifference(before, after).map((line) => `file ${line}`);
    }
    if (name === PART.below) return [`${BELOW}, ${is?.split("\n")[0] ?? "nothing"}, came out otherwise`];
    if (name === PART.base) return [`base image: ${was ?? "none"} → ${is ?? "none"}`];
    if (name === PART.command) return [`command: ${was ?? ""}\n   now: ${is ?? ""}`];
    if (name.startsWith(PART.variable))
      return [`${name}: ${was === undefined ? "new" : is === undefined ? "gone" : "changed"}`];
    if (name.startsWith(PART.copy) || name.startsWith(PART.mount)) {
      return [`${name}: ${was === undefined ? "new" : is === undefined ? "gone" : "other options"}`];
    }
    return [`${name.replace(PART.setting, "")}: ${was ?? "none"} → ${is ?? "none"}`];
  }

  #files(digest: string): ReadonlyMap<string, NotedFile> | undefined {
    const packed = this.#store.files(digest);
    return packed === undefined ? undefined : unpackFiles(packed);
  }
}

const BELOW = "the step below";
/** A command that is another, on something else, is no explanation. */
const ENOUGH = 4;

/** Parts in common; the command, and what it stands on, say more than others. */
function likeness(one: KeyParts, other: KeyParts): number {
  let score = 0;
  for (const [name, value] of Object.entries(one)) {
    const theirs = other[name];
    if (theirs === undefined) {
      score -= name.startsWith(PART.copy) ? 1 : 0;
      continue;
    }
    if (name === PART.command) score += theirs === value ? 6 : alike(theirs, value) ? 2 : 0;
    else if (name === PART.below) score += theirs === value ? 4 : placeOf(theirs) === placeOf(value) ? 2 : 0;
    else if (name.startsWith(PART.copy)) score += theirs === value ? 4 : 3;
    else if (name.startsWith(PART.setting)) score += theirs === value ? 0.1 : 0;
    else score += theirs === value ? 0.5 : 0;
  }
  return score;
}

/** "[build 2/4]" of a step's name. */
const placeOf = (below: string) => /^\[[^\]]*\]/.exec(below)?.[0] ?? below;

/** The same program. */
const alike = (one: string, other: string) => one.split(/\s/)[0] === other.split(/\s/)[0];

function short(digest: string | undefined): string {
  return digest === undefined ? "none" : digest.slice(0, "sha256:".length + 12);
}
