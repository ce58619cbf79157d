// What an operation says while it runs, as data, so that several builds that share it can all be told.

import type { Digest } from "../../base/digest.ts";
import type { BuildProgress } from "../solver-contract.ts";

export type Said =
  | { readonly kind: "log"; readonly stream: "stdout" | "stderr"; readonly data: Uint8Array; readonly at: string }
  | {
      readonly kind: "status";
      readonly name: string;
      readonly current: number;
      readonly total: number;
      readonly done: boolean;
    };

export type Say = (said: Said) => void;

export function tell(progress: BuildProgress, id: Digest, said: Said): void {
  if (said.kind === "log") progress.log(id, said.stream, said.data, said.at);
  else progress.status(id, said);
}
