// One running build: what its client lends, what it said so far, the results that it has handles on, and, where the
// frontend runs in the client, the end that the client brings.

import { sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { CacheImport } from "../../cache/remote/import.ts";
import { type Entitlements, NOTHING_MORE } from "../../entitlements.ts";
import type { LayerSession } from "../../needs.ts";
import { type FailedStep, StepFailed } from "../../ops/failed.ts";
import { treeOf } from "../../solver/digests.ts";
import type { SolveOptions, Tree } from "../../solver-contract.ts";
import { locatedError } from "../errors.ts";
import { runDockerfile } from "../frontend/dockerfile.ts";
import { runGateway } from "../frontend/gateway.ts";
import { Containers } from "../gateway/containers.ts";
import { failedExecDetail } from "../gateway/failed-exec.ts";
import { type Detail, GrpcError, toGrpcError } from "../grpc/status.ts";
import { loadDefinition } from "../llb/definition.ts";
import { missing } from "../llb/values.ts";
import type { BuildkitNeeds } from "../needs.ts";
import type { Definition } from "../proto/gen/ops_pb.ts";
import { type BuildRef, type BuildResult, newRef, ONLY, type Results } from "../result.ts";
import { ContentPlace } from "../session/content-place.ts";
import { type LentSession, lend } from "../session/lend.ts";
import type { LocalFiles } from "../session/local-files.ts";
import type { Sessions } from "../session/sessions.ts";
import { upload } from "../session/upload.ts";
import { BuildEvents } from "./progress.ts";

const DOCKERFILE = "dockerfile.v0";
const GATEWAY = "gateway.v0";
/** Handles of one build. */
const MAX_REFS = 10_000;

export interface BuildParts {
  readonly needs: BuildkitNeeds;
  readonly sessions: Sessions;
  readonly files: LocalFiles;
  readonly results: Results;
}

export interface FrontendRequest {
  readonly definition: Definition | undefined;
  readonly frontend: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, Definition>>;
}

export class Build implements AsyncDisposable {
  readonly ref: string;
  readonly session: LentSession;
  readonly events: BuildEvents;
  readonly #parts: BuildParts;
  readonly #layers: LayerSession;
  readonly #releases: (() => void)[] = [];
  readonly #controller = new AbortController();
  readonly #refs = new Map<string, BuildRef>();
  readonly #trees = new Map<string, Tree>();
  /** Its client wants to know why steps were not in the cache. */
  #explain = false;
  readonly #ended = Promise.withResolvers<void>();
  readonly #returned = Promise.withResolvers<BuildResult>();
  /** What was asked of a frontend here, for the provenance of what comes out. */
  asked: Pick<FrontendRequest, "frontend" | "attrs"> = { frontend: "", attrs: {} };
  /** RFC 3339. */
  readonly started: string;
  /** Caches from elsewhere, once they are read. */
  readonly imports: CacheImport[] = [];
  #ready: Promise<void> = Promise.resolve();
  /** What its client asked for and the engine grants. */
  entitlements: Entitlements = NOTHING_MORE;
  /** Its client may want to look at what a failed step left. */
  keepFailed = false;
  /** What was opened on its results. */
  readonly containers: Containers;
  readonly #leftTrees = new Map<string, Promise<Tree>>();
  /** What the client gave along, for its own frontend to ask for. */
  inputs: Readonly<Record<string, Definition>> = {};

  constructor(ref: string, sessionId: string, parts: BuildParts) {
    const { needs, sessions, files } = parts;
    this.ref = ref;
    this.started = needs.now();
    this.#parts = parts;
    this.containers = new Containers(this, needs);
    this.#layers = needs.solver.needs.layers.session();
    this.events = new BuildEvents(needs.now);
    this.#returned.promise.catch(() => undefined);
    const lent = lend(sessionId, {
      sessions,
      files,
      layers: this.#layers,
      temporary: needs.temporary,
      hold: (release) => this.#releases.push(release),
      progress: (source, bytes, done) => this.#transferred(source, bytes, done),
    });
    this.session = {
      ...lent,
      local: async (source, signal) => {
        const isOwn = source.session === undefined || source.session === sessionId;
        const own = isOwn ? this.#trees.get(source.name) : undefined;
        return own === undefined ? lent.local(source, signal) : needs.filterTree(own, source, this.#layers, signal);
      },
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get options(): SolveOptions {
    const { session, events, signal } = this;
    const { entitlements, imports, keepFailed } = this;
    const explain = this.#explain;
    const epoch = { sourceDateEpoch: undefined };
    return { session, progress: events, signal, entitlements, ...epoch, explain, keepFailed, imports };
  }

  /** Nothing is solved before these caches are read. */
  importFrom(reading: Promise<readonly CacheImport[]>): void {
    this.#ready = reading.then((found) => void this.imports.push(...found));
    this.#ready.catch(() => undefined);
  }

  cancel(reason: unknown): void {
    this.#controller.abort(reason);
    this.#returned.reject(reason);
  }

  /** Builds nothing but what the frontend itself needs. @throws GrpcError with its place in the Dockerfile, HoyError. */
  async run({ definition, frontend, attrs, inputs }: FrontendRequest, depth = 0): Promise<BuildResult> {
    if (definition !== undefined && definition.def.length > 0) {
      if (frontend !== "") throw new HoyError("invalid", "a definition and a frontend can't be asked for at once");
      const input = loadDefinition(definition, this.#parts.results);
      return this.#keep({ refs: new Map([[ONLY, newRef(input)]]), metadata: new Map() });
    }
    if (frontend === "") return this.#keep({ refs: new Map([[ONLY, newRef(undefined)]]), metadata: new Map() });
    if (frontend !== DOCKERFILE && frontend !== GATEWAY) throw missing(`the frontend ${frontend.slice(0, 100)}`);
    await this.#ready;
    if (depth === 0) this.asked = { frontend, attrs };
    if (frontend === GATEWAY) return await this.#runElsewhere(attrs, inputs, depth);
    const { needs, sessions } = this.#parts;
    this.#explain = attrs.explain === "1";
    const { session, events, options } = this;
    const outcome = await runDockerfile(attrs, {
      needs,
      session,
      events,
      options,
      inputs,
      results: this.#parts.results,
      layers: this.#layers,
      trees: this.#trees,
      store: async (name, digest) => new ContentPlace(await sessions.get(session.id, this.signal), name, digest),
      upload: (url, signal) => upload(sessions, session.id, url, signal),
    });
    if (!("forward" in outcome)) return this.#keep(outcome);
    return await this.#runElsewhere({ ...attrs, ...outcome.forward }, inputs, depth);
  }

  /** By a frontend that is an image. */
  async #runElsewhere(attrs: FrontendRequest["attrs"], inputs: FrontendRequest["inputs"], depth: number) {
    return runGateway({ attrs, inputs, depth: depth + 1 }, this, this.#parts.needs);
  }

  /** The tree behind a result; an empty one for none. @throws GrpcError with its place in the Dockerfile. */
  async solve({ input, dockerfile }: BuildRef): Promise<Tree> {
    if (input === undefined) return { diffIds: [], key: sha256("tree\n") };
    await this.#ready;
    try {
      return await this.#parts.needs.solver.solve(input, {
        ...this.options,
        sourceDateEpoch: dockerfile?.sourceDateEpoch,
      });
    } catch (thrown) {
      this.signal.throwIfAborted();
      throw this.locate(thrown);
    }
  }

  /** As `solve`; also what a failed step left. */
  tree(ref: BuildRef): Promise<Tree> {
    const { left } = ref;
    if (left === undefined) return this.solve(ref);
    const known = this.#leftTrees.get(ref.id);
    if (known !== undefined) return known;
    const made = this.#treeLeft(left);
    this.#leftTrees.set(ref.id, made);
    return made;
  }

  /** An error of a step, with the lines that it came from, and by what its client may look at what it left. */
  locate(thrown: unknown): GrpcError {
    const { file } = this.events;
    const error = file === undefined ? toGrpcError(thrown) : locatedError(thrown, file, this.events.failedLines());
    if (!(thrown instanceof StepFailed) || thrown.left === undefined || !this.keepFailed) return error;
    const details = [...error.details, this.#failedDetail(thrown.left)];
    return new GrpcError(error.code, error.message, details, { cause: thrown });
  }

  /** The result behind a handle. @throws HoyError "not-found" */
  find(id: string): BuildRef {
    const found = this.#refs.get(id);
    if (found === undefined) throw new HoyError("not-found", `no such ref: ${id.slice(0, 100)}`);
    return found;
  }

  /** The client's frontend has ended. */
  giveBack(result: BuildResult | GrpcError): void {
    if (result instanceof Error) this.#returned.reject(result);
    else this.#returned.resolve(result);
  }

  /** When nothing of it is left. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  returned(): Promise<BuildResult> {
    return this.#returned.promise;
  }

  /** Calls about it that still run are cut, and new ones refused: its client waits for them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel(new HoyError("cancelled", "the build has ended"));
    await this.containers[Symbol.asyncDispose]();
    for (const release of this.#releases.splice(0)) release();
    await this.#parts.needs.solver.end(this.session);
    await this.#layers[Symbol.asyncDispose]();
    this.events.end();
    this.#ended.resolve();
  }

  #keep(result: BuildResult): BuildResult {
    for (const ref of result.refs.values()) {
      if (this.#refs.size >= MAX_REFS) throw new HoyError("too-large", `more than ${MAX_REFS} results in one build`);
      this.#refs.set(ref.id, ref);
      this.#parts.results.add(ref);
    }
    return result;
  }

  #failedDetail(failed: FailedStep): Detail {
    const { op, vertex } = failed;
    const name = (ref: BuildRef): string => {
      this.#keep({ refs: new Map([[ONLY, ref]]), metadata: new Map() });
      return ref.id;
    };
    const before = op.mounts.map(({ input }) => (input < 0 ? "" : name(newRef(vertex.inputs[input]))));
    const left = op.mounts.map((mount) => name({ ...newRef(undefined), left: { failed, mount } }));
    return failedExecDetail(op, before, left);
  }

  /** A layer is made of it when somebody looks: most who are told of a failure only read the message. */
  async #treeLeft({ failed, mount }: NonNullable<BuildRef["left"]>): Promise<Tree> {
    const below = failed.inputs[mount.input]?.diffIds ?? [];
    const changes = failed.changes(mount, this.signal);
    if (changes === undefined) return treeOf(below);
    const { diffId } = await this.#layers.add(changes, this.signal);
    return treeOf([...below, diffId]);
  }

  #transferred(source: string, bytes: number, done: boolean): void {
    this.events.localStatus(source, { current: bytes, total: 0, done });
  }
}
