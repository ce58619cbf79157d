// The files of a container as tars, for commit, export, diff and copy.
import { HoyError } from "../../base/error.ts";
import type { ContainerSource } from "../images/contract.ts";

export async function* changesTar(
  source: ContainerSource,
  _signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  yield* [];
  throw new HoyError("not-implemented", `can't read the changes of ${source.id} yet`);
}
