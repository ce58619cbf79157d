// A Dockerfile for a Debian with real compilers, and how it is known that its image works.

import type { DebianPart } from "./parts.ts";

export interface DebianShape {
  readonly name: string;
  /** Its bases are `debian` and, by the names of their parts, Debians with a language's tools. */
  readonly dockerfile: string;
  readonly files: Readonly<Record<string, string>>;
  /** Packages that lie in the context's directory debs. */
  readonly debs?: DebianPart;
  readonly flags?: readonly string[];
  /** `run` with these flags and this command: what it writes. A server runs on, and is asked by `exec` until it answers. */
  readonly asked: {
    readonly server?: true;
    readonly flags?: readonly string[];
    readonly command?: readonly string[];
    readonly says: string;
  };
}
