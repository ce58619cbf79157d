// POST /build: the classic builder's door. A Dockerfile becomes a graph, the solver executes it, the result becomes an
// image with names; what happens is told as the classic builder tells it.

import type { BuildBackend, BuildRequest, CacheMount, ProgressMessage } from "../../api/backend.ts";
import { type Digest, digestHex } from "../../base/digest.ts";
import { HoyError, toHoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import type { Buildkit } from "../../build/buildkit/buildkit.ts";
import { BuildEvents } from "../../build/buildkit/control/progress.ts";
import { traceOf } from "../../build/buildkit/rest.ts";
import { cacheTargets } from "../../build/cache/remote/caches.ts";
import { parseCacheOption } from "../../build/cache/remote/entry.ts";
import { type Entitlements, grant } from "../../build/entitlements.ts";
import { buildDockerfile } from "../../build/frontend/build.ts";
import type { DockerfileResult } from "../../build/frontend/options.ts";
import { StepFailed } from "../../build/ops/failed.ts";
import { exportMount, importMount } from "../../build/ops/mounts/portable.ts";
import type { GraphSolver } from "../../build/solver/solver.ts";
import type { BuildSession, SolveOptions, Tree } from "../../build/solver-contract.ts";
import { writeConfig } from "../../image/config.ts";
import { familiarString, parseReference, type Reference, withDefaultTag } from "../../image/reference.ts";
import type { ImageContext } from "../images/context.ts";
import { messagesOf } from "../images/messages.ts";
import { nameImage } from "../images/tag.ts";
import { now } from "../time.ts";
import { describeMount, findMount } from "./cache-mounts.ts";
import { classicCaches, isCache } from "./classic-caches.ts";
import { ClassicOutput, type Emit } from "./classic-output.ts";
import { openContext } from "./open-context.ts";
import { checkRequest, limitsOf, optionsOf } from "./request-options.ts";
import { restMessage, restRequest } from "./rest-request.ts";
import { squash } from "./squash.ts";
import { addImage, inlineCacheOf, type WriteParts, writeImage } from "./write-image.ts";

export class BuildVerbs implements BuildBackend {
  readonly #images: ImageContext;
  readonly #solver: GraphSolver;
  readonly #grantable: () => Entitlements;
  readonly #buildkit: Pick<Buildkit, "build">;
  readonly #running = new Map<string, AbortController>();

  constructor(
    images: ImageContext,
    solver: GraphSolver,
    buildkit: Pick<Buildkit, "build">,
    grantable: () => Entitlements,
  ) {
    this.#grantable = grantable;
    this.#images = images;
    this.#solver = solver;
    this.#buildkit = buildkit;
  }

  async build(
    request: BuildRequest,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>> {
    // A client may have a session and send the files in the request all the same (dockerode does).
    const inSession = request.version === "2" && request.remote === "client-session";
    if (!inSession) checkRequest(request);
    const names = request.tags.map(tagOf);
    cacheTargets(request.cacheTo.map(parseCacheOption));
    const cancelled = new AbortController();
    const id = request.buildId || newId();
    this.#running.set(id, cancelled);
    const both = AbortSignal.any([signal, cancelled.signal]);
    return messagesOf(both, async (say, abort) => {
      try {
        if (inSession) {
          const asked = restRequest(request);
          for await (const progress of this.#buildkit.build(asked, abort)) say(restMessage(progress));
        } else if (request.version === "2") await this.#traced(request, body, names, say, abort);
        else await this.#run(request, body, names, say, abort);
      } catch (thrown) {
        if (!(thrown instanceof StepFailed)) throw thrown;
        const text = `The command '${thrown.args.join(" ")}' returned a non-zero code: ${thrown.exitCode}`;
        say({ errorDetail: { code: thrown.exitCode, message: text }, error: text });
      } finally {
        this.#running.delete(id);
      }
    });
  }

  async cancel(buildId: string): Promise<void> {
    if (buildId === "") throw new HoyError("invalid", "build ID not provided");
    this.#running.get(buildId)?.abort(new HoyError("cancelled", "the build was cancelled"));
  }

  cacheMounts(): readonly CacheMount[] {
    const { caches } = this.#solver;
    return caches.rows().map((row) => describeMount(row, caches));
  }

  exportCacheMount(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { caches } = this.#solver;
    return exportMount(caches, findMount(name, caches), signal);
  }

  async importCacheMount(
    archive: AsyncIterable<Uint8Array>,
    { replace }: { readonly replace: boolean },
    signal: AbortSignal,
  ): Promise<CacheMount> {
    const { caches, needs } = this.#solver;
    const { temporary } = needs.directories;
    return describeMount(await importMount(caches, archive, { temporary, replace, signal }), caches);
  }

  /** Version 2 with the files in the request: the same build, told as BuildKit tells it. */
  async #traced(
    request: BuildRequest,
    body: AsyncIterable<Uint8Array>,
    names: readonly Reference[],
    say: Emit,
    signal: AbortSignal,
  ): Promise<void> {
    const events = new BuildEvents(now);
    const telling = (async () => {
      for await (const event of events.watch(signal)) say(restMessage({ trace: traceOf(event) }));
    })();
    telling.catch(() => undefined);
    const pick: Emit = ({ aux }) => {
      if (aux !== undefined) say({ id: "moby.image.id", aux });
    };
    try {
      await this.#run({ ...request, quiet: false }, body, names, pick, signal, events);
    } finally {
      events.end();
      await telling;
    }
  }

  async #run(
    request: BuildRequest,
    body: AsyncIterable<Uint8Array>,
    names: readonly Reference[],
    say: Emit,
    signal: AbortSignal,
    events?: BuildEvents,
  ): Promise<void> {
    const solver = this.#solver;
    /** With quiet nothing is said but the end; when it goes wrong, all of it. */
    const held: ProgressMessage[] = [];
    const emit: Emit = request.quiet ? (message) => held.push(message) : say;
    const output = new ClassicOutput(emit);
    await using layers = solver.needs.layers.session();
    const context = await openContext(request, body, { solver, layers, signal });
    const session: BuildSession = {
      id: newId(),
      local: (source, abort) => context.local(source, abort),
      secret: async () => undefined,
      ssh: async () => undefined,
      registryAuth: async (domain) => authFor(request.auths, domain),
      limits: limitsOf(request),
    };
    const caches = classicCaches(request, { solver, session, signal, emit });
    const imports = await caches.imports();
    const options = {
      session,
      progress: events ?? output,
      signal,
      // By one that knows no names for what to grant: the network that it asks for is all.
      entitlements: grant(request.networkMode === "host" ? ["network.host"] : [], this.#grantable()),
      sourceDateEpoch: undefined,
      imports,
    };
    await using _end = { [Symbol.asyncDispose]: () => solver.end(session) };
    try {
      const dockerfile = await context.dockerfile(options);
      const noCache = request.noCache || !(await this.#mayUseCache(request.cacheFrom.filter((text) => !isCache(text))));
      const result = await buildDockerfile(optionsOf({ ...request, noCache }, dockerfile), solver, options);
      const tree = await this.#solve(result, options, events === undefined ? output : undefined);
      const inline = inlineCacheOf(await caches.inline(tree));
      const id = await this.#write(request, result, tree, names, { session, signal, inline });
      await caches.export(tree);
      emit({ aux: { ID: id } });
      if (result.unusedArgs.length > 0) {
        emit({ stream: `[Warning] One or more build-args [${result.unusedArgs.join(" ")}] were not consumed\n` });
      }
      emit({ stream: `Successfully built ${digestHex(id).slice(0, 12)}\n` });
      for (const name of names) emit({ stream: `Successfully tagged ${familiarString(name)}\n` });
      if (request.quiet) say({ stream: `${id}\n` });
    } catch (thrown) {
      for (const message of held) say(message);
      throw thrown;
    }
  }

  /** Images that were named to be the cache are all of it, and are not fetched: without any of them there is none. */
  async #mayUseCache(cacheFrom: readonly string[]): Promise<boolean> {
    if (cacheFrom.length === 0 || cacheFrom.some(isCache)) return true;
    for (const ref of cacheFrom) {
      try {
        await this.#images.shelf.resolve(ref);
        return true;
      } catch (thrown) {
        if (!["not-found", "invalid"].includes(toHoyError(thrown).code)) throw thrown;
      }
    }
    return false;
  }

  async #solve(result: DockerfileResult, options: SolveOptions, output: ClassicOutput | undefined): Promise<Tree> {
    const { sourceDateEpoch } = result;
    const solving = this.#solver.solve(result.target, { ...options, sourceDateEpoch }).finally(() => output?.end());
    // Awaited below; what is shown comes first.
    solving.catch(() => undefined);
    await output?.show(result.steps);
    return solving;
  }

  async #write(
    request: BuildRequest,
    result: DockerfileResult,
    tree: Tree,
    names: readonly Reference[],
    { session, signal, inline }: Pick<WriteParts, "session" | "inline"> & { readonly signal: AbortSignal },
  ): Promise<Digest> {
    signal.throwIfAborted();
    if (!request.squash)
      return writeImage(this.#images, result, tree, names, { solver: this.#solver, session, inline });
    await using layers = this.#solver.needs.layers.session();
    const squashed = await squash({ solver: this.#solver, session, layers, signal }, result, tree);
    const id = await addImage(this.#images, writeConfig(squashed.config), squashed.tree);
    for (const name of names) await nameImage(this.#images, id, name);
    return id;
  }
}

/** @throws HoyError "invalid" as Docker says it. */
function tagOf(text: string): Reference {
  let name: Reference;
  try {
    name = parseReference(text);
  } catch (error) {
    throw new HoyError("invalid", `invalid argument ${JSON.stringify(text)}: ${toHoyError(error).message}`);
  }
  if (name.digest !== undefined) throw new HoyError("invalid", "build tag cannot contain a digest");
  return withDefaultTag(name);
}

/** Clients name Docker's own registry by its old address. */
function authFor(auths: BuildRequest["auths"], domain: string) {
  const keys = domain === "docker.io" ? ["https://index.docker.io/v1/", "index.docker.io", "docker.io"] : [domain];
  for (const key of [...keys, `https://${domain}`, `http://${domain}`]) {
    if (Object.hasOwn(auths, key)) return auths[key];
  }
  return undefined;
}
