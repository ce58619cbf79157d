// What is mounted into a command beside its root, for as long as it runs: trees of other steps, cache directories,
// memory, secrets, agents. All that was made for it is taken away when it has ended.

import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HoyError } from "../../../base/error.ts";
import type { ExecMount, ExecOp } from "../../graph.ts";
import type { BuildNeeds, StepMount } from "../../needs.ts";
import type { BuildSession, Tree } from "../../solver-contract.ts";
import { type BoundTree, bindTree } from "./bind.ts";
import type { CacheMounts } from "./cache-mounts.ts";

export interface LendContext {
  readonly needs: BuildNeeds;
  readonly session: BuildSession;
  readonly caches: CacheMounts;
  readonly signal: AbortSignal;
}

export interface LentMounts extends AsyncDisposable {
  readonly mounts: readonly StepMount[];
  /** Secrets, and where the agents' sockets are. */
  readonly env: readonly string[];
  /** What the command changed in a mount that becomes an output. */
  changes(mount: ExecMount, clamp: bigint | undefined, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Of a command that has ended: all but the trees that it could write to goes, so that others may have it. */
  letGo(): Promise<void>;
}

/** BuildKit's bound (session/secrets). */
const MAX_SECRET = 500 * 1024;

export async function lendMounts(op: ExecOp, inputs: readonly Tree[], context: LendContext): Promise<LentMounts> {
  await using stack = new AsyncDisposableStack();
  const directory = join(context.needs.directories.temporary, `build-mounts-${randomUUID()}`);
  await mkdir(directory, { mode: 0o700 });
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const borrowed = stack.use(new AsyncDisposableStack());
  const over = new AbortController();
  borrowed.defer(() => over.abort());
  const mounts: StepMount[] = [];
  const env: string[] = [];
  const changes = new Map<ExecMount, BoundTree["changes"]>();
  let agents = 0;
  for (const [index, mount] of op.mounts.entries()) {
    if (mount.target === "/") continue;
    const place = join(directory, String(index));
    const { detail, target, readonly } = mount;
    switch (detail.type) {
      case "bind": {
        const bound = await bindTree(mount, inputs[mount.input], place, context);
        mounts.push({ type: "bind", source: bound.source, target, readonly });
        changes.set(mount, bound.changes);
        break;
      }
      case "cache": {
        const source = borrowed.use(await context.caches.take(detail, mount, inputs[mount.input], context));
        mounts.push({ type: "bind", source: source.path, target, readonly });
        break;
      }
      case "tmpfs":
        mounts.push({ type: "tmpfs", target, size: detail.size });
        break;
      case "secret": {
        const data = await secretOf(context, detail);
        if (data === undefined) break;
        borrowed.defer(() => rm(place, { force: true }));
        await writeFile(place, data, { mode: 0o600, flag: "wx" });
        const { mode, uid, gid } = detail;
        mounts.push({ type: "owned", source: place, target, readonly: true, mode, uid, gid });
        break;
      }
      case "ssh": {
        const socket = await context.session.ssh(detail.id, AbortSignal.any([context.signal, over.signal]));
        if (socket === undefined && detail.optional) break;
        if (socket === undefined)
          throw new HoyError("invalid", `no SSH key ${JSON.stringify(detail.id)} forwarded from the client`);
        const { mode, uid, gid } = detail;
        mounts.push({ type: "owned", source: socket, target, readonly: false, mode, uid, gid });
        if (agents++ === 0) env.push(`SSH_AUTH_SOCK=${target}`);
      }
    }
  }
  for (const { name, id, optional } of op.secretEnv) {
    const data = await secretOf(context, { id, optional });
    if (data !== undefined) env.push(`${name}=${Buffer.from(data).toString("utf8")}`);
  }
  const owned = stack.move();
  return {
    mounts,
    env,
    letGo: () => borrowed.disposeAsync(),
    changes(mount, clamp, signal) {
      const read = changes.get(mount);
      if (read === undefined) throw new HoyError("invalid", `the mount at ${mount.target} can't be an output`);
      return read(clamp, signal);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function secretOf(
  { session, signal }: LendContext,
  { id, optional }: { readonly id: string; readonly optional: boolean },
): Promise<Uint8Array | undefined> {
  const data = await session.secret(id, signal);
  if (data === undefined && !optional) throw new HoyError("invalid", `secret ${id}: not found`);
  if (data !== undefined && data.length > MAX_SECRET) {
    throw new HoyError("too-large", `secret ${id} is larger than ${MAX_SECRET} bytes`);
  }
  return data;
}
