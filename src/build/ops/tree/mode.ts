// `--chmod`: octal, or chmod(1)'s symbolic words ("u=rwX,go-w").

import { HoyError } from "../../../base/error.ts";

export type ModeChange = (mode: number, isDirectory: boolean) => number;

const CLAUSE = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;
const ACTION = /([-+=])([ugo]|[rwxXst]*)/g;
const SHIFT = { u: 6, g: 3, o: 0 } as const;

/** undefined: the mode stays. @throws HoyError "invalid" for words that are none. */
export function modeChange(mode: number | string | undefined): ModeChange {
  if (mode === undefined) return (old) => old;
  if (typeof mode === "number") return () => mode & 0o7777;
  if (/^[0-7]{1,5}$/.test(mode)) {
    const bits = Number.parseInt(mode, 8);
    if (bits > 0o7777) throw bad(mode);
    return () => bits;
  }
  const clauses = mode.split(",").map((text) => clauseOf(text, mode));
  return (old, isDirectory) => clauses.reduce((bits, clause) => clause(bits, isDirectory), old);
}

function clauseOf(text: string, whole: string): ModeChange {
  const [, who, actions] = CLAUSE.exec(text) ?? [];
  if (who === undefined || actions === undefined) throw bad(whole);
  const classes = who === "" || who.includes("a") ? (["u", "g", "o"] as const) : [...new Set(who)];
  const steps = [...actions.matchAll(ACTION)].map(([, operator = "", what = ""]) => ({ operator, what }));
  return (old, isDirectory) => steps.reduce((mode, step) => applied(mode, classes, step, isDirectory), old);
}

function applied(
  mode: number,
  classes: readonly string[],
  { operator, what }: { readonly operator: string; readonly what: string },
  isDirectory: boolean,
): number {
  let bits = 0;
  let mask = 0;
  for (const one of classes) {
    if (!isClass(one)) continue;
    mask |= (0o7 << SHIFT[one]) | specialOf(one);
    bits |= (rights(mode, what, isDirectory) << SHIFT[one]) | (what.includes("s") ? specialOf(one) : 0);
  }
  if (what.includes("t")) bits |= 0o1000;
  if (operator === "+") return mode | bits;
  if (operator === "-") return mode & ~bits;
  // As GNU chmod: setuid and setgid of a directory stay unless they are named.
  const cleared = isDirectory ? mask & ~0o6000 : mask;
  return (mode & ~(cleared | (classes.length === 3 ? 0o1000 : 0))) | bits;
}

function rights(mode: number, what: string, isDirectory: boolean): number {
  if (isClass(what)) return (mode >> SHIFT[what]) & 0o7;
  let bits = 0;
  if (what.includes("r")) bits |= 4;
  if (what.includes("w")) bits |= 2;
  if (what.includes("x")) bits |= 1;
  if (what.includes("X") && (isDirectory || (mode & 0o111) !== 0)) bits |= 1;
  return bits;
}

function specialOf(one: keyof typeof SHIFT): number {
  if (one === "u") return 0o4000;
  return one === "g" ? 0o2000 : 0;
}

function isClass(text: string): text is keyof typeof SHIFT {
  return text === "u" || text === "g" || text === "o";
}

function bad(mode: string): HoyError {
  return new HoyError("invalid", `invalid chmod parameter: ${JSON.stringify(mode.slice(0, 100))}`, {
    hint: "it should be octal (0755) or symbolic (u=rwX,go=rX)",
  });
}
