// What an operation says while it runs, as data, so that several builds that share it can all be told.

import type { Digest } from "../../base/digest.ts";
import type { FailedStep } from "../ops/failed.ts";
import type { BuildProgress } from "../solver-contract.ts";

export type Said =
  | { readonly kind: "log"; readonly stream: "stdout" | "stderr"; readonly data: Uint8Array; readonly at: string }
  | {
      readonly kind: "status";
      readonly name: string;
      readonly current: number;
      readonly total: number;
      readonly done: boolean;
    }
  /** A command failed: who wants to look at what it left holds it before this call returns. */
  | { readonly kind: "failed"; readonly left: FailedStep };

export type Say = (said: Said) => void;

export function tell(progress: BuildProgress, id: Digest, said: Exclude<Said, { kind: "failed" }>): void {
  if (said.kind === "log") progress.log(id, said.stream, said.data, said.at);
  else progress.status(id, said);
}
