// The keys with which a client lets go of a terminal: "ctrl-p,ctrl-q" by default. Reading what users write, and
// finding the sequence in what they type, however the bytes arrive.

import { HoyError } from "../../base/error.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";
const LONGEST = 16;

/** The bytes of "ctrl-a,b,ctrl-[". @throws HoyError "invalid" with Docker's words. */
export function parseDetachKeys(text: string): Uint8Array {
  const keys = text.split(",");
  const codes = keys.map((key) => keyCode(key));
  if (codes.length > LONGEST || codes.some((code) => code === undefined)) {
    throw new HoyError("invalid", `Invalid detach keys (${text.slice(0, 100)}) provided`);
  }
  return Uint8Array.from(codes.filter((code) => code !== undefined));
}

function keyCode(key: string): number | undefined {
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key);
  if (control?.[1] !== undefined) return control[1].toUpperCase().charCodeAt(0) - 64;
  return /^[\x20-\x7e]$/.test(key) ? key.charCodeAt(0) : undefined;
}

/** Passes bytes on, holding back what may become the sequence. */
export class DetachFilter {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** `data`: what to send now; `detached`: the sequence was completed, and what came after it is dropped. */
  push(input: Uint8Array): { readonly data: Uint8Array; readonly detached: boolean } {
    if (this.#keys.length === 0) return { data: input, detached: false };
    const out: number[] = [];
    for (const byte of input) {
      this.#advance(byte, out);
      if (this.#matched === this.#keys.length) {
        this.#matched = 0;
        return { data: Uint8Array.from(out), detached: true };
      }
    }
    return { data: Uint8Array.from(out), detached: false };
  }

  /** What is held back when the input ends. */
  flush(): Uint8Array {
    const held = this.#keys.slice(0, this.#matched);
    this.#matched = 0;
    return held;
  }

  /** One byte further; what can't be part of a match any more goes out. */
  #advance(byte: number, out: number[]): void {
    if (byte === this.#keys[this.#matched]) {
      this.#matched++;
      return;
    }
    // The held bytes and this one may hold a shorter beginning of the sequence: "ctrl-p ctrl-p ctrl-q" detaches.
    const seen = [...this.#keys.slice(0, this.#matched), byte];
    let keep = Math.min(this.#matched, seen.length);
    while (keep > 0 && !seen.slice(-keep).every((value, index) => value === this.#keys[index])) keep--;
    out.push(...seen.slice(0, seen.length - keep));
    this.#matched = keep;
  }
}
