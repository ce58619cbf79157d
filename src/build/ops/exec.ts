// Running a command: its root and other mounts are put together from the inputs, it runs as a container runs, and what
// it changed becomes a layer. Secrets, agents and proxies are lent to it; no key and no layer knows of them.

import { type Digest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { formatPlatform } from "../../image/platform.ts";
import { checkEntitled } from "../entitlements.ts";
import { execParts, withClamp } from "../explain/parts.ts";
import type { ExecMount, ExecOp, Vertex } from "../graph.ts";
import type { FinishedStep } from "../needs.ts";
import { canonical } from "../solver/digests.ts";
import { canExecute } from "../solver/platforms.ts";
import type { Tree } from "../solver-contract.ts";
import { FailedStep, type FailedStepParts, StepFailed } from "./failed.ts";
import { type LentMounts, lendMounts } from "./mounts/lend.ts";
import type { Made, Operation, OperationContext, Run } from "./operation.ts";

export async function prepareExec(
  vertex: Vertex,
  op: ExecOp,
  inputs: readonly Tree[],
  context: OperationContext,
): Promise<Operation> {
  if (!op.mounts.some(isRoot)) throw new HoyError("invalid", "a command without a root file system");
  if (op.args.length === 0) throw new HoyError("invalid", "a command without arguments");
  checkEntitled(op, context.entitlements);
  return {
    ...(await keyOf(vertex, op, inputs, context)),
    type: "regular",
    heavy: true,
    run: (run) => runCommand(vertex, op, inputs, context, run),
  };
}

/** What is mounted read-only beside the root counts by its content: a context that was checked out again is the same. */
async function keyOf(
  vertex: Vertex,
  op: ExecOp,
  inputs: readonly Tree[],
  { needs, signal, clamp, checksums }: OperationContext,
): Promise<Pick<Operation, "key" | "explained">> {
  const { platform } = vertex;
  const mounts: unknown[] = [];
  const contents: (Digest | undefined)[] = [];
  for (const mount of op.mounts) {
    const tree = inputs[mount.input];
    let content: Digest | undefined = tree?.key;
    if (tree !== undefined && mount.detail.type === "bind" && mount.readonly && mount.output < 0 && !isRoot(mount)) {
      content = await checksums.mount(tree, mount.selector, needs.layers, signal);
    }
    contents.push(content);
    mounts.push({ ...mount, input: undefined, content, ...(mount.input < 0 ? {} : { has: true }) });
  }
  const { proxyEnv: _, secretEnv, ...rest } = op;
  const secrets = secretEnv.map(({ name, id }) => [name, id]);
  return {
    key: sha256(canonical({ ...rest, kind: "exec", secrets, mounts, platform, clamp: clamp?.toString() })),
    explained: { kind: "exec", parts: withClamp(execParts(vertex, op, contents), clamp) },
  };
}

async function runCommand(
  vertex: Vertex,
  op: ExecOp,
  inputs: readonly Tree[],
  context: OperationContext,
  { signal, say, layers }: Run,
): Promise<Made> {
  const { needs, session, clamp } = context;
  const { platform, name } = vertex;
  if (!canExecute(platform)) {
    throw new HoyError("invalid", `can't run "${name}" of ${formatPlatform(platform)} on this machine`, {
      hint: "install qemu-user-static, or build for the machine's own platform",
    });
  }
  const root = op.mounts.find(isRoot);
  const below = root === undefined || root.input < 0 ? [] : (inputs[root.input]?.diffIds ?? []);
  await using stack = new AsyncDisposableStack();
  const lent = stack.use(await lendMounts(op, inputs, { needs, session, signal, caches: context.caches }));
  const step = await needs.steps.run({
    op,
    env: [...op.env, ...op.proxyEnv, ...lent.env],
    lowers: await needs.layers.mount(below),
    readonlyRoot: root?.readonly ?? false,
    mounts: lent.mounts,
    output: (stream, data) => say({ kind: "log", stream, data, at: needs.now() }),
    limits: session.limits,
    signal,
  });
  const finished = stack.use(step);
  if (!(op.validExitCodes ?? [0]).includes(finished.code)) {
    await lent.letGo();
    const left = leftOf({ vertex, op, inputs }, finished, lent, stack.move());
    say({ kind: "failed", left });
    await left.release();
    throw new StepFailed(op.args, finished.code, finished.oomKilled, left);
  }
  const outputs: (readonly Digest[])[] = [];
  let size = 0;
  for (const mount of op.mounts) {
    if (mount.output < 0) continue;
    const tar = isRoot(mount) ? finished.changes(clamp, signal) : lent.changes(mount, clamp, signal);
    const layer = await layers.add(tar, signal);
    const base = mount.input < 0 ? [] : (inputs[mount.input]?.diffIds ?? []);
    outputs[mount.output] = [...base, layer.diffId];
    size += layer.size;
  }
  return { outputs: [...outputs].map((output) => output ?? []), size };
}

/** Its root and the copies of trees that it could write to; all else that was lent to it is gone. */
function leftOf(
  step: Pick<FailedStepParts, "vertex" | "op" | "inputs">,
  finished: FinishedStep,
  lent: LentMounts,
  owned: AsyncDisposable,
): FailedStep {
  return new FailedStep({
    ...step,
    changes(mount, signal) {
      if (isRoot(mount)) return finished.changes(undefined, signal);
      return mount.detail.type === "bind" && !mount.readonly ? lent.changes(mount, undefined, signal) : undefined;
    },
    [Symbol.asyncDispose]: async () => owned[Symbol.asyncDispose](),
  });
}

function isRoot({ target }: ExecMount): boolean {
  return target === "/";
}
