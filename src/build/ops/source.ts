// Images as sources: their layers are the tree. The image store keeps them for as long as the build runs; they are no
// part of the build cache.

import type { Source, Vertex } from "../graph.ts";
import { immediate, type Operation, type OperationContext } from "./operation.ts";

export async function prepareImage(
  { platform }: Vertex,
  { ref, mode }: Extract<Source, { type: "image" }>,
  { build, needs, session, signal, say }: OperationContext,
): Promise<Operation> {
  const request = { ref, platform, mode, session, signal };
  const found = await build.image({ ...request, status: (status) => say({ kind: "status", ...status }) }, needs);
  return immediate([found.diffIds]);
}
