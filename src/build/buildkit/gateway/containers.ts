// Containers that a frontend, or who debugs a build, opens on results of it (BuildKit, frontend/gateway/container):
// nothing runs before the first process is asked for, the container ends with it, and nothing that was changed is kept.

import { create } from "@bufbuild/protobuf";
import { HoyError } from "../../../base/error.ts";
import { checkEntitled } from "../../entitlements.ts";
import type { ExecOp } from "../../graph.ts";
import type { StepContainer, StepProcess } from "../../needs.ts";
import { lendMounts } from "../../ops/mounts/lend.ts";
import { canExecute } from "../../solver/platforms.ts";
import type { Tree } from "../../solver-contract.ts";
import type { Build } from "../control/build.ts";
import { platformOf } from "../llb/definition.ts";
import { execOp } from "../llb/exec.ts";
import type { BuildkitNeeds } from "../needs.ts";
import type { InitMessage, NewContainerRequest } from "../proto/gen/gateway_pb.ts";
import { ExecOpSchema } from "../proto/gen/ops_pb.ts";
import type { BuildRef } from "../result.ts";

const MAX_CONTAINERS = 20;
const MAX_PROCESSES = 100;

interface Opened extends AsyncDisposable {
  readonly request: NewContainerRequest;
  /** By the mounts' places; undefined: nothing was named. */
  readonly refs: readonly (BuildRef | undefined)[];
  readonly stack: AsyncDisposableStack;
  readonly signal: AbortSignal;
  /** From the first process on. */
  container: Promise<StepContainer> | undefined;
  processes: number;
}

/** Those of one build; they end with it. */
export class Containers implements AsyncDisposable {
  readonly #build: Build;
  readonly #needs: BuildkitNeeds;
  readonly #open = new Map<string, Opened>();

  constructor(build: Build, needs: BuildkitNeeds) {
    this.#build = build;
    this.#needs = needs;
  }

  /** @throws HoyError "conflict", "not-found" for a result that the build does not have. */
  create(request: NewContainerRequest): void {
    const id = request.containerId;
    if (!/^[\x21-\x7e]{1,200}$/.test(id)) throw new HoyError("invalid", "the container has no usable id");
    if (this.#open.has(id)) throw new HoyError("conflict", `a container ${id} exists already`);
    if (this.#open.size >= MAX_CONTAINERS) {
      throw new HoyError("too-large", `more than ${MAX_CONTAINERS} containers in one build`);
    }
    const refs = request.mounts.map(({ resultId }) => (resultId === "" ? undefined : this.#build.find(resultId)));
    const stop = new AbortController();
    const stack = new AsyncDisposableStack();
    const signal = AbortSignal.any([this.#build.signal, stop.signal]);
    this.#open.set(id, {
      request,
      refs,
      stack,
      signal,
      container: undefined,
      processes: 0,
      async [Symbol.asyncDispose]() {
        stop.abort(new HoyError("cancelled", "the container was released"));
        await this.container?.catch(() => undefined);
        await stack.disposeAsync();
      },
    });
  }

  /** Kills what runs in it. */
  async release(id: string): Promise<void> {
    const opened = this.#find(id);
    this.#open.delete(id);
    await opened[Symbol.asyncDispose]();
  }

  /** The first process is the container's own, later ones join it. */
  async start(init: InitMessage): Promise<StepProcess> {
    const opened = this.#find(init.containerId);
    if (opened.processes++ >= MAX_PROCESSES) {
      throw new HoyError("too-large", `more than ${MAX_PROCESSES} processes in one container`);
    }
    const io = { terminal: init.tty, stdin: init.fds.includes(0) };
    if (opened.container === undefined) {
      opened.container = this.#run(opened, init, io);
      return (await opened.container).first;
    }
    const container = await opened.container;
    if (init.secretenv.length > 0) {
      throw new HoyError("invalid", "secrets are variables of a container's first process only");
    }
    const { args = [], env = [], cwd = "", user = "" } = init.meta ?? {};
    if (args.length === 0) throw new HoyError("invalid", "no command was given");
    return container.exec({ args, env, cwd, user, ...io });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(all.map((opened) => opened[Symbol.asyncDispose]()));
  }

  #find(id: string): Opened {
    const found = this.#open.get(id);
    if (found === undefined) {
      throw new HoyError("not-found", `container "${id.slice(0, 200)}" previously released or not created`);
    }
    return found;
  }

  async #run(
    opened: Opened,
    init: InitMessage,
    io: { readonly terminal: boolean; readonly stdin: boolean },
  ): Promise<StepContainer> {
    const { signal, refs, stack } = opened;
    const { solver } = this.#needs;
    const { session } = this.#build;
    if (!canExecute(platformOf(opened.request.platform))) {
      throw new HoyError("invalid", "a container of that platform can't run on this machine");
    }
    const trees: Tree[] = [];
    const places: number[] = [];
    for (const ref of refs) places.push(isEmpty(ref) ? -1 : trees.push(await this.#build.tree(ref)) - 1);
    const op = commandOf(opened, init, places);
    checkEntitled(op, this.#build.entitlements);
    const lent = stack.use(
      await lendMounts(op, trees, { needs: solver.needs, session, signal, caches: solver.caches }),
    );
    const root = op.mounts.find(({ target }) => target === "/");
    const container = await solver.needs.steps.open({
      op,
      env: [...op.env, ...op.proxyEnv, ...lent.env],
      lowers: await solver.needs.layers.mount(root === undefined ? [] : (trees[root.input]?.diffIds ?? [])),
      readonlyRoot: root?.readonly ?? false,
      mounts: lent.mounts,
      limits: session.limits,
      signal,
      ...io,
    });
    return stack.use(container);
  }
}

/** Nothing was there for the failed step either: a cache directory that began with an empty tree is another one. */
function isEmpty(ref: BuildRef | undefined): ref is undefined {
  return ref === undefined || (ref.left !== undefined && ref.left.mount.input < 0 && ref.left.mount.target !== "/");
}

/** What a failed step had and its client does not say again is as it was there. */
function commandOf({ request, refs }: Opened, { meta, security, secretenv }: InitMessage, places: number[]): ExecOp {
  const { network, extraHosts, hostname } = request;
  const mounts = request.mounts.map((mount, index) => ({
    ...mount,
    input: BigInt(places[index] ?? -1),
    output: -1n,
  }));
  const exec = create(ExecOpSchema, { ...(meta === undefined ? {} : { meta }), mounts, network, security, secretenv });
  const op = execOp(exec, places.length);
  const left = refs.find((ref) => ref?.left !== undefined)?.left?.failed.op;
  const hosts = extraHosts.map(({ host, ip }) => ({ host, ip }));
  return {
    ...op,
    hostname: hostname || left?.hostname || "",
    extraHosts: hosts.length > 0 ? hosts : (left?.extraHosts ?? []),
    ulimits: op.ulimits.length > 0 ? op.ulimits : (left?.ulimits ?? []),
    shmSize: left?.shmSize ?? 0,
    cgroupParent: op.cgroupParent || left?.cgroupParent || "",
    proxyEnv: op.proxyEnv.length > 0 ? op.proxyEnv : (left?.proxyEnv ?? []),
    mounts: op.mounts.map((mount, index) => {
      // Modes and owners of cache directories are part of what they are, and LLB has no words for them.
      const was = refs[index]?.left?.mount;
      return was?.detail.type === "cache" && mount.detail.type === "cache" ? { ...mount, detail: was.detail } : mount;
    }),
  };
}
