// RUN --mount: what is mounted where, from which tree.

import { posix } from "node:path";
import { Fault } from "../dockerfile/fault.ts";
import type { RunMount } from "../dockerfile/instructions/types.ts";
import type { ExecMount, ExecMountDetail, ExecOp, Input } from "../graph.ts";
import { join, rooted } from "./paths.ts";
import type { Inputs, Scope } from "./scope.ts";

export interface AskedMounts {
  readonly mounts: readonly ExecMount[];
  readonly secretEnv: ExecOp["secretEnv"];
  /** Path of the first ssh socket: SSH_AUTH_SOCK. */
  readonly agent: string | undefined;
}

const CACHE_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS";

export function mountsOf(scope: Scope, asked: readonly RunMount[], inputs: Inputs): AskedMounts {
  const mounts: ExecMount[] = [];
  const secretEnv: ExecOp["secretEnv"][number][] = [];
  const agents: string[] = [];
  for (const [index, mount] of asked.entries()) {
    if (mount.type === "secret") {
      const secret = secretOf(mount);
      if (mount.env !== undefined) {
        secretEnv.push({ name: mount.env, id: secret.id, optional: !mount.required });
        if (mount.target === "") continue;
      }
      mounts.push(detached(secret.target, secret.detail));
    } else if (mount.type === "ssh") {
      if (mount.source !== "") throw new Fault("ssh does not support source");
      const target = mount.target === "" ? `/run/buildkit/ssh_agent.${agents.length}` : mount.target;
      agents.push(target);
      mounts.push(detached(target, fileDetail("ssh", mount.id === "" ? "default" : mount.id, mount, 0o600)));
    } else mounts.push(treeMount(scope, mount, index, inputs));
  }
  return { mounts, secretEnv, agent: agents[0] };
}

/** bind, cache, tmpfs. */
function treeMount(scope: Scope, mount: RunMount, index: number, inputs: Inputs): ExecMount {
  const target = targetOf(scope, mount);
  const source = rooted(mount.source);
  const selector = source === "/" ? "" : source;
  const common = { selector, target, readonly: mount.readonly, output: -1 };
  if (mount.type === "tmpfs") {
    return { ...common, input: -1, selector: "", detail: { type: "tmpfs", size: mount.size } };
  }
  const tree = mount.type === "cache" && mount.from === "" ? undefined : treeOf(scope, mount, index, source);
  const input = inputs.add(tree);
  if (mount.type !== "cache") return { ...common, input, detail: { type: "bind" } };
  const namespace = scope.conversion.options.buildArgs.get(CACHE_NAMESPACE) ?? "";
  const detail: ExecMountDetail = {
    type: "cache",
    id: `${namespace}/${mount.id === "" ? posix.normalize(mount.target) : mount.id}`,
    sharing: mount.sharing ?? "shared",
    mode: mount.mode ?? 0o755,
    uid: mount.uid ?? 0,
    gid: mount.gid ?? 0,
  };
  return { ...common, input, detail };
}

function treeOf(scope: Scope, mount: RunMount, index: number, source: string): Input | undefined {
  if (mount.from === "") {
    scope.conversion.contextPaths.add(source);
    return scope.conversion.mainContext;
  }
  const node = scope.command.sources[index];
  if (node?.state === undefined || !node.done) {
    const [from, target] = [JSON.stringify(mount.from), JSON.stringify(mount.target)];
    throw new Fault(`cannot mount from stage ${from} to ${target}, stage needs to be defined before current command`);
  }
  node.paths.add(source);
  return node.state.tree;
}

function targetOf(scope: Scope, mount: RunMount): string {
  const isAbsolute = posix.normalize(mount.target).startsWith("/");
  const target = isAbsolute ? mount.target : join("/", scope.state.cwd, mount.target);
  if (posix.normalize(target) === "/") throw new Fault(`invalid mount target ${JSON.stringify(target)}`);
  return target;
}

function secretOf(mount: RunMount): { id: string; target: string; detail: ExecMountDetail } {
  const id = mount.source || mount.id || posix.basename(mount.target);
  const target = mount.target === "" ? `/run/secrets/${posix.basename(id)}` : mount.target;
  return { id, target, detail: fileDetail("secret", id, mount, 0o400) };
}

function fileDetail(type: "secret" | "ssh", id: string, mount: RunMount, mode: number): ExecMountDetail {
  return {
    type,
    id,
    optional: !mount.required,
    mode: mount.mode ?? mode,
    uid: mount.uid ?? 0,
    gid: mount.gid ?? 0,
  };
}

function detached(target: string, detail: ExecMountDetail): ExecMount {
  return { input: -1, selector: "", target, readonly: true, output: -1, detail };
}
