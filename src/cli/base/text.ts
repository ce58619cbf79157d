// Small things done to text all over the client.

/** Splits at the first separator; without one, the second part is "". */
export function cut(text: string, separator: string): [head: string, tail: string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** At most `width` columns of text; what is longer ends in "…", as docker's tables have it. */
export function ellipsis(text: string, width: number): string {
  if (width <= 0) return "";
  const signs = [...text];
  if (width === 1) return signs[0] ?? "";
  const narrow = signs.every((sign) => sign.length === 1 && sign < "\u0080");
  const total = narrow ? signs.length : Bun.stringWidth(text);
  if (total <= width) return text;
  let kept = "";
  let used = 0;
  for (const sign of signs) {
    used += narrow ? 1 : Bun.stringWidth(sign);
    if (used > width - 1) break;
    kept += sign;
  }
  return `${kept}…`;
}

/** "sha256:0123…" or "0123…" to the 12 digits that tables show. */
export function truncateId(id: string): string {
  return id.slice(id.indexOf(":") + 1).slice(0, 12);
}

/** By code unit, as Go sorts; the locale's order would differ between machines. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Order in which people expect "a2" before "a10" (docker sorts networks, volumes and images so). */
export function compareNatural(left: string, right: string): number {
  const chunks = (text: string) => text.match(/\d+|\D+/g) ?? [];
  const [a, b] = [chunks(left), chunks(right)];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [x = "", y = ""] = [a[at], b[at]];
    if (x === y) continue;
    if (/^\d/.test(x) && /^\d/.test(y)) {
      const difference = Number(x) - Number(y);
      if (difference !== 0) return difference;
      return x.length - y.length;
    }
    return compareText(x, y);
  }
  return a.length - b.length;
}
