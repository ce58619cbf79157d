// A fault of an instruction, thrown where its place is not known; whoever knows the place makes a DockerfileError of it.

import { HoyError } from "../../base/error.ts";
import { editDistance } from "../../base/nearest.ts";
import { ExpansionError } from "./expand.ts";
import { DockerfileError, type LineRange, type Source } from "./source.ts";

export class Fault extends HoyError {
  constructor(message: string) {
    super("invalid", message);
    this.name = "Fault";
  }
}

/** Runs `work`; what is at fault in it points at `range`. @throws DockerfileError */
export function located<T>(source: Source, range: LineRange, phase: "parse" | "build", work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw atPlace(thrown, source, range, phase);
  }
}

/** An instruction's fault as an error at its place; anything else as it is. */
export function atPlace(thrown: unknown, source: Source, range: LineRange, phase: "parse" | "build"): unknown {
  if (thrown instanceof ExpansionError) {
    return new DockerfileError(thrown.message, source, range, undefined, phase);
  }
  // A fault, or a value that some other part read: a reference, a platform, a signal.
  const isValue = thrown instanceof HoyError && thrown.code === "invalid" && !(thrown instanceof DockerfileError);
  if (isValue) return new DockerfileError(thrown.message, source, range, thrown.hint, phase);
  return thrown;
}

/** At most this many edits away (BuildKit, util/suggest). */
const SUGGEST_DISTANCE = 2;

/** The option that was likely meant; undefined when `word` is one of them, as then it is not the word that is wrong. */
export function suggestion(word: string, options: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = SUGGEST_DISTANCE + 1;
  for (const option of options) {
    if (option === word) return undefined;
    if (Math.abs(option.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word, option);
    if (distance < bestDistance) {
      best = option;
      bestDistance = distance;
    }
  }
  return best;
}

/** `message (did you mean x?)`. */
export function withSuggestion(message: string, word: string, options: Iterable<string>): string {
  const meant = suggestion(word, options);
  return meant === undefined ? message : `${message} (did you mean ${meant}?)`;
}
