// Sizes as people write them: 64m, 1g, 1024 (docker/go-units RAMInBytes: powers of 1024, unit in either case, "b" may follow).

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** Bytes, or undefined when the text is not a size or more than can be counted exactly. */
export function parseBytes(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (found === null) return undefined;
  const bytes = Math.floor(Number(found[1]) * (UNITS[(found[2] ?? "").toLowerCase()] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
