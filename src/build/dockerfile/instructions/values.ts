// Values inside flags, as Go's and Docker's libraries read them.

const UNITS = "bkmgtp";

/** docker/go-units RAMInBytes: "64m", "1.5GiB", "1024". Bytes; undefined: not a size. */
export function parseSize(text: string): number | undefined {
  const [, number = "", unit = "b"] = /^(\d{1,15}(?:\.\d{1,9})?) ?(?:([kmgtp])i?b?|b)?$/i.exec(text) ?? [];
  const size = Math.trunc(Number(number) * 1024 ** UNITS.indexOf(unit.toLowerCase()));
  return number === "" || !Number.isSafeInteger(size) ? undefined : size;
}

/** Go's strconv.ParseBool; undefined: neither. */
export function parseBool(text: string): boolean | undefined {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  return undefined;
}
