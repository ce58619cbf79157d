// What of the base image is dropped: `# hoy: unset VOLUME /data ENV` in the Dockerfile, or `--unset` (moby issue 3465).
// A kind alone drops all of it; with names after it only those go, and one that is not there is no fault.

import type { RunConfig } from "../../image/config.ts";
import { Fault, withSuggestion } from "../dockerfile/fault.ts";
import { configOf, withConfig } from "./image.ts";
import type { ImageDraft } from "./options.ts";

type Drop = (config: RunConfig, names: ReadonlySet<string> | undefined) => Partial<RunConfig>;

const KINDS: Readonly<Record<string, Drop>> = {
  VOLUME: ({ Volumes }, names) => ({ Volumes: without(Volumes, names) }),
  EXPOSE: ({ ExposedPorts }, names) => ({ ExposedPorts: without(ExposedPorts, names && mapped(names, portOf)) }),
  ENV: ({ Env }, names) => ({
    Env: names === undefined ? undefined : Env?.filter((word) => !names.has(word.slice(0, word.indexOf("=")))),
  }),
  LABEL: ({ Labels }, names) => ({ Labels: without(Labels, names) }),
};

/** Without ENV, PATH is the default again. @throws Fault */
export function dropped(image: ImageDraft, words: readonly string[]): ImageDraft {
  let draft = image;
  for (const [kind, names] of readWords(words)) {
    const drop = KINDS[kind];
    if (drop === undefined) throw new Error(`nothing drops ${kind}`);
    draft = withConfig(draft, drop(configOf(draft), names));
  }
  return draft;
}

/** Kind → its names; undefined: all. */
function readWords(words: readonly string[]): Map<string, ReadonlySet<string> | undefined> {
  const found = new Map<string, ReadonlySet<string> | undefined>();
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    const kind = word.toUpperCase();
    if (!isKind(kind)) {
      const known = Object.keys(KINDS);
      const message = `unset: unknown kind ${JSON.stringify(word)}, only ${known.join(", ")}`;
      throw new Fault(withSuggestion(message, kind, known));
    }
    at += 1;
    const names = new Set<string>();
    for (; at < words.length && !isKind((words[at] ?? "").toUpperCase()); at++) names.add(words[at] ?? "");
    const before = found.get(kind);
    const isAll = names.size === 0 || (found.has(kind) && before === undefined);
    found.set(kind, isAll ? undefined : new Set([...(before ?? []), ...names]));
  }
  return found;
}

function isKind(word: string): boolean {
  return Object.hasOwn(KINDS, word);
}

/** undefined where nothing is left, as in a config that never had any. */
function without<T>(
  all: Readonly<Record<string, T>> | undefined,
  names: ReadonlySet<string> | undefined,
): Record<string, T> | undefined {
  if (all === undefined || names === undefined) return undefined;
  const left = Object.entries(all).filter(([name]) => !names.has(name));
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

const portOf = (name: string) => (name.includes("/") ? name : `${name}/tcp`);

function mapped(names: ReadonlySet<string>, change: (name: string) => string): ReadonlySet<string> {
  return new Set([...names].map(change));
}
