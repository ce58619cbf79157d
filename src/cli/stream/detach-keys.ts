// The keys that let go of a terminal: "ctrl-p,ctrl-q" unless told otherwise. They are looked for in what the user types
// and are not sent on; a beginning that leads nowhere is.

import { ExitError } from "../base/errors.ts";

const DEFAULT = Uint8Array.of(16, 17);

const NAMED: Record<string, number> = {
  "ctrl-@": 0,
  "ctrl-[": 27,
  "ctrl-\\": 28,
  "ctrl-]": 29,
  "ctrl-^": 30,
  "ctrl-_": 31,
};

/** Bytes of "ctrl-a,x"; the default for "". @throws ExitError in docker's words. */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === "") return DEFAULT;
  return Uint8Array.from(text.split(",").map((key) => keyOf(key, text)));
}

function keyOf(key: string, whole: string): number {
  if (key.length === 1) return key.charCodeAt(0);
  const control = /^ctrl-([a-z])$/.exec(key)?.[1];
  if (control !== undefined) return control.charCodeAt(0) - 96;
  const named = NAMED[key];
  if (named !== undefined) return named;
  throw new ExitError(1, `invalid detach keys (${whole}): Unknown character: '${key}'`);
}

/** Watches typed bytes for the keys. */
export class DetachWatch {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What of `data` is to be sent; `detached` when the keys were completed (the rest is dropped). */
  feed(data: Uint8Array): { readonly send: Uint8Array; readonly detached: boolean } {
    const send: number[] = [];
    for (const byte of data) {
      if (byte !== this.#keys[this.#matched]) {
        send.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = byte === this.#keys[0] ? 1 : 0;
        if (this.#matched === 0) send.push(byte);
      } else {
        this.#matched++;
      }
      if (this.#matched === this.#keys.length) return { send: Uint8Array.from(send), detached: true };
    }
    return { send: Uint8Array.from(send), detached: false };
  }
}
