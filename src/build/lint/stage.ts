// Rules about the instructions of a stage, asked while they are carried out, when their variables are known.

import { cleanPath } from "../../image/ignore/clean.ts";
import type { Matcher } from "../../image/ignore/matcher.ts";
import type { Health, Pairs, Program } from "../dockerfile/instructions/types.ts";
import type { LineRange } from "../dockerfile/source.ts";
import type { Linter } from "./linter.ts";
import { RULES } from "./rules.ts";

/** Only the last CMD, ENTRYPOINT or HEALTHCHECK counts: the one before it is told of. */
export function checkOnce(instruction: Program | Health, last: Map<string, LineRange>, linter: Linter): void {
  const before = last.get(instruction.kind);
  if (before !== undefined) {
    const why = "should not be used in the same stage because only the last one will be used";
    linter.run(RULES.multipleInstructionsDisallowed, before, `Multiple ${instruction.name} instructions ${why}`);
  }
  last.set(instruction.kind, instruction.range);
}

export function checkJsonForm({ name, range }: Program, linter: Linter): void {
  const why = "to prevent unintended behavior related to OS signals";
  linter.run(RULES.jsonArgsRecommended, range, `JSON arguments recommended for ${name} ${why}`);
}

export function checkLegacyPairs({ pairs, name, range }: Pairs, linter: Linter): void {
  if (!pairs.some(({ legacy }) => legacy)) return;
  const message = `"${name} key=value" should be used instead of legacy "${name} key value" format`;
  linter.run(RULES.legacyKeyValueFormat, range, message);
}

const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const PUBLIC = /(?:_|^)(?:public|file|version)(?:_|$)/i;

export function checkSecret(keyword: "ARG" | "ENV", key: string, range: LineRange, linter: Linter): void {
  if (!SECRET.test(key) || PUBLIC.test(key)) return;
  const message = `Do not use ARG or ENV instructions for sensitive data (${keyword} ${JSON.stringify(key)})`;
  linter.run(RULES.secretsUsedInArgOrEnv, range, message);
}

export function checkWorkdir(path: string, range: LineRange, linter: Linter): void {
  if (path.startsWith("/")) return;
  const message = `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`;
  linter.run(RULES.workdirRelativePath, range, message);
}

export function checkPort(
  word: string,
  found: { readonly mapped: boolean; readonly capital: boolean },
  range: LineRange,
  linter: Linter,
): void {
  if (found.capital) {
    const message = `Defined protocol '${word}' in EXPOSE instruction should be lowercase`;
    linter.run(RULES.exposeProtoCasing, range, message);
  }
  if (!found.mapped) return;
  const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`;
  linter.run(RULES.exposeInvalidFormat, range, message);
}

/** With exceptions in the file, what is ignored can't be told from the patterns alone. */
export function checkIgnored(
  source: string,
  keyword: "ADD" | "COPY",
  ignore: Matcher | undefined,
  range: LineRange,
  linter: Linter,
): void {
  if (ignore === undefined || ignore.hasExceptions) return;
  const path = cleanPath(source);
  const isRoot = path === "." || path === "/";
  const isIgnored = isRoot
    ? ignore.patterns.some(({ text }) => ["*", "**", "**/*"].includes(text))
    : ignore.ignores(path.replace(/^\/+/, ""));
  if (!isIgnored) return;
  const command = keyword === "ADD" ? "Add" : "Copy";
  const message = `Attempting to ${command} file ${JSON.stringify(path)} that is excluded by .dockerignore`;
  linter.run(RULES.copyIgnoredFile, range, message);
}
