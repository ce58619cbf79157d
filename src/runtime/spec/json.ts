// A spec as the text of config.json. One thing JavaScript's numbers can't hold: "no limit" of an rlimit is the largest
// 64-bit number (getrlimit(2), RLIM_INFINITY), and a rounded one is past what the runtimes read.

import { RLIM_INFINITY } from "./process.ts";

declare global {
  interface JSON {
    /** ECMAScript's "JSON.parse source text access": a number written digit by digit. */
    rawJSON(text: string): object;
  }
}

/** Of a spec, or of a process that is to be run beside the first; also of one that was read from such a text. */
export function specJson(spec: object): string {
  return JSON.stringify(spec, (key, value: unknown) => {
    const unlimited = (key === "soft" || key === "hard") && typeof value === "number" && value >= RLIM_INFINITY;
    return unlimited ? JSON.rawJSON("18446744073709551615") : value;
  });
}
