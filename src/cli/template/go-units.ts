// How Go prints a time.Duration, a time.Time and an fs.FileMode.

const NS = { h: 3_600_000_000_000, m: 60_000_000_000, s: 1_000_000_000, ms: 1_000_000, µs: 1_000 } as const;

/** time.Duration's String: "1h0m30s", "1.5s", "20ms", "0s". */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const sign = nanoseconds < 0 ? "-" : "";
  const all = Math.abs(nanoseconds);
  if (all < NS.s) {
    const unit = all >= NS.ms ? "ms" : all >= NS.µs ? "µs" : "ns";
    return `${sign}${unit === "ns" ? all : all / NS[unit]}${unit}`;
  }
  const hours = Math.floor(all / NS.h);
  const minutes = Math.floor((all % NS.h) / NS.m);
  const seconds = (all % NS.m) / NS.s;
  return `${sign}${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}

/** time.Time's String of what JSON brought: "2026-01-02 03:04:05.6 +0000 UTC"; text that is no time stays. */
export function goTime(rfc3339: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d):(\d\d))$/.exec(rfc3339);
  if (parts === null) return rfc3339;
  const [, date, clock, digits = "", hours, minutes] = parts;
  const fraction = digits.slice(0, 9).replace(/0+$/, "");
  const zone = hours === undefined ? "+0000 UTC" : `${hours}${minutes} ${hours}${minutes}`;
  return `${date} ${clock}${fraction === "" ? "" : `.${fraction}`} ${zone}`;
}

/** fs.FileMode's String: letters for the bits above the permissions, or "-", and the permissions. */
export function goFileMode(mode: number): string {
  const letters = [..."dalTLDpSugct?"].filter((_, at) => Math.floor(mode / 2 ** (31 - at)) % 2 === 1).join("");
  const permissions = [..."rwxrwxrwx"].map((letter, at) => (((mode >> (8 - at)) & 1) === 1 ? letter : "-")).join("");
  return (letters || "-") + permissions;
}
