// Go's fmt.Sprintf for what templates hold: %v %s %q %d %x %X %o %b %c %U %t %f %g %e %T %%, with width,
// precision and the flags - + # 0 and space.

import { GoScalar, isList, isMap, show, showNumber, typeName, type Value } from "./value.ts";

const VERB = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])/g;

/** Widths beyond this are cut: they come from whoever wrote the template and would only fill memory. */
const MAX_WIDTH = 10_000;

export function sprintf(format: string, args: readonly Value[]): string {
  let next = 0;
  const star = (text: string | undefined) =>
    text === "*" ? Number(args[next++] ?? 0) : text === undefined ? undefined : Number(text);
  const out = format.replaceAll(VERB, (match, flags: string, width: string, precision: string, verb: string) => {
    if (verb === "%") return "%";
    const columns = Math.min(MAX_WIDTH, star(width) ?? 0);
    const places = star(precision);
    if (next >= args.length) return `%!${verb}(MISSING)`;
    const text = convert(verb, flags, match.includes(".") ? (places ?? 0) : undefined, args[next++]);
    if (flags.includes("-")) return text.padEnd(columns);
    const zero = flags.includes("0") && /^[+-]?\d/.test(text) && verb !== "s";
    if (!zero) return text.padStart(columns);
    const sign = /^[+-]/.test(text) ? text.charAt(0) : "";
    return sign + text.slice(sign.length).padStart(columns - sign.length, "0");
  });
  if (next >= args.length) return out;
  const extra = args
    .slice(next)
    .map((value) => (value === undefined || value === null ? "<nil>" : `${typeName(value)}=${show(value)}`));
  return `${out}%!(EXTRA ${extra.join(", ")})`;
}

function convert(verb: string, flags: string, precision: number | undefined, value: Value): string {
  if (isList(value) && verb !== "v" && verb !== "T") {
    return `[${value.map((item) => convert(verb, flags, precision, item)).join(" ")}]`;
  }
  switch (verb) {
    case "v":
      return value === undefined || value === null ? "<nil>" : signed(show(value, true), flags, value);
    case "T":
      return value === null || value === undefined ? "<nil>" : typeName(value);
    case "s":
      if (typeof value === "string") return precision === undefined ? value : [...value].slice(0, precision).join("");
      if (isMap(value) || value instanceof GoScalar) return show(value, true);
      return wrong(verb, value);
    case "q":
      if (typeof value === "string") return JSON.stringify(value);
      if (typeof value === "number") return `'${String.fromCodePoint(value)}'`;
      return wrong(verb, value);
    case "t":
      return typeof value === "boolean" ? String(value) : wrong(verb, value);
    default:
      if (value instanceof GoScalar && typeof value.value === "number")
        return numeric(verb, flags, precision, value.value);
      return typeof value === "number" || (typeof value === "string" && /[xX]/.test(verb))
        ? numeric(verb, flags, precision, value)
        : wrong(verb, value);
  }
}

function numeric(verb: string, flags: string, precision: number | undefined, value: number | string): string {
  if (typeof value === "string") {
    const hex = Buffer.from(value).toString("hex");
    return verb === "X" ? hex.toUpperCase() : hex;
  }
  const whole = Number.isInteger(value);
  const prefix = (text: string, mark: string) => (flags.includes("#") ? mark + text : text);
  switch (verb) {
    case "d":
      return whole ? signed(String(value), flags, value) : wrong(verb, value);
    case "x":
      return prefix(value.toString(16), "0x");
    case "X":
      return prefix(value.toString(16).toUpperCase(), "0X");
    case "o":
      return prefix(value.toString(8), "0");
    case "b":
      return prefix(value.toString(2), "0b");
    case "c":
      return String.fromCodePoint(value);
    case "U":
      return `U+${value.toString(16).toUpperCase().padStart(4, "0")}`;
    case "f":
    case "F":
      return signed(value.toFixed(precision ?? 6), flags, value);
    case "e":
      return value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
    case "g":
      return signed(
        precision === undefined ? showNumber(value) : String(Number(value.toPrecision(Math.max(1, precision)))),
        flags,
        value,
      );
    default:
      return wrong(verb, value);
  }
}

function signed(text: string, flags: string, value: Value): string {
  if (typeof value !== "number" || value < 0) return text;
  return flags.includes("+") ? `+${text}` : flags.includes(" ") ? ` ${text}` : text;
}

function wrong(verb: string, value: Value): string {
  return value === undefined || value === null ? `%!${verb}(<nil>)` : `%!${verb}(${typeName(value)}=${show(value)})`;
}
