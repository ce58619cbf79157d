// Parser directives: comments of the form `# key=value` before anything else in the file ("syntax", "escape", "check").
// The first line that is not one ends them.

export interface Directives {
  /** The frontend image that the file asks for; "" when it names none. */
  readonly syntax: string;
  readonly escape: "\\" | "`";
  /** Rules of the linter: "skip=all;error=true". */
  readonly check: string;
  /** Words of "unset VOLUME /data ENV …": of the base image (ours). */
  readonly unset: readonly string[];
  /** How many lines they take. */
  readonly lines: number;
  readonly fault: { readonly line: number; readonly words: string } | undefined;
}

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const OWN = /^#\s*hoy:\s*unset\s+(.+?)\s*$/;
const KNOWN = new Set(["syntax", "escape", "check"]);

export function readDirectives(lines: readonly string[]): Directives {
  const found = new Map<string, string>();
  const unset: string[] = [];
  let fault: Directives["fault"];
  let index = 0;
  for (; index < lines.length; index++) {
    const line = (lines[index] ?? "").replace(/^\uFEFF/, "").trim();
    const own = OWN.exec(line);
    if (own?.[1] !== undefined) {
      unset.push(...own[1].split(/[\s,]+/));
      continue;
    }
    const [, name, value = ""] = DIRECTIVE.exec(line) ?? [];
    const key = name?.toLowerCase();
    if (key === undefined || !KNOWN.has(key)) break;
    if (found.has(key)) {
      fault ??= { line: index + 1, words: `only one ${key} parser directive can be used` };
    }
    if (key === "escape" && value !== "\\" && value !== "`") {
      fault ??= { line: index + 1, words: `invalid escape token '${value}' does not match \` or \\` };
    }
    found.set(key, value);
  }
  return {
    syntax: found.get("syntax") ?? "",
    escape: found.get("escape") === "`" ? "`" : "\\",
    check: found.get("check") ?? "",
    unset,
    lines: index,
    fault,
  };
}
