// From a vertex to its operation: one function a kind.

import type { Vertex } from "../graph.ts";
import type { Tree } from "../solver-contract.ts";
import { prepareDiff } from "./diff.ts";
import { prepareExec } from "./exec.ts";
import { prepareFile } from "./file.ts";
import { prepareGit } from "./git.ts";
import { prepareHttp } from "./http.ts";
import { immediate, type Operation, type OperationContext } from "./operation.ts";
import { prepareImage } from "./source.ts";

export async function prepareOperation(
  vertex: Vertex,
  inputs: readonly Tree[],
  context: OperationContext,
): Promise<Operation> {
  const { op } = vertex;
  switch (op.kind) {
    case "exec":
      return prepareExec(vertex, op, inputs, context);
    case "file":
      return prepareFile(vertex, op, inputs, context);
    case "merge":
      // Layers that do not depend on what is below them are simply put above it.
      return immediate([inputs.flatMap((tree) => tree.diffIds)]);
    case "diff":
      return prepareDiff(inputs, context);
    case "source":
      break;
  }
  switch (op.type) {
    case "scratch":
      return immediate([[]]);
    case "image":
      return prepareImage(vertex, op, context);
    case "local":
      return immediate([(await context.session.local(op, context.signal)).diffIds], "internal");
    case "http":
      return prepareHttp(op, context);
    case "git":
      return prepareGit(op, context);
  }
}
