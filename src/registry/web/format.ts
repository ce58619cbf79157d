// Sizes, times and digests as the page shows them.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Decimal, three digits, as docker's tables have it: 1234567 → "1.23 MB". */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${UNITS[unit]}`;
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "3 hours ago". */
export function ago(time: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const [unit, length] = STEPS.find(([, each]) => seconds >= each) ?? ["second", 1];
  return words.format(-Math.floor(seconds / length), unit);
}

/** "sha256:0123456789ab": enough to tell two apart; the whole is a click away. */
export function short(digest: string): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return `${algorithm}:${hex.slice(0, 12)}`;
}

/** A step of the history as the Dockerfile had it. */
export function instruction(createdBy: string): string {
  return createdBy
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, "")
    .replace(/^(?:RUN )?\/bin\/sh -c /, "RUN ")
    .replace(/\s*# buildkit$/, "")
    .replace(/\t/g, "  ")
    .trim();
}
