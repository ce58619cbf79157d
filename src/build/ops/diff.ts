// What one tree has over another. Where it stands on the other's layers, those above them are the answer; else the two
// are compared, file by file.

import { sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { Tree } from "../solver-contract.ts";
import { immediate, type Operation, type OperationContext } from "./operation.ts";
import { differenceTar } from "./tree/difference.ts";

export async function prepareDiff(inputs: readonly Tree[], { needs, clamp }: OperationContext): Promise<Operation> {
  const [lower, upper] = inputs;
  if (lower === undefined || upper === undefined) throw new HoyError("invalid", "a difference needs two trees");
  if (lower.diffIds.every((diffId, index) => upper.diffIds[index] === diffId)) {
    return immediate([upper.diffIds.slice(lower.diffIds.length)]);
  }
  return {
    key: sha256(`diff ${lower.key} ${upper.key} ${clamp ?? ""}`),
    type: "regular",
    heavy: true,
    async run({ signal, layers }) {
      const [below, above] = [await needs.layers.mount(lower.diffIds), await needs.layers.mount(upper.diffIds)];
      const layer = await layers.add(differenceTar(below, above, { clamp, signal }), signal);
      return { outputs: [[layer.diffId]], size: layer.size };
    },
  };
}
