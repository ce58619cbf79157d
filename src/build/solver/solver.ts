// The solver: executes a graph, each step when its inputs are there, as many at once as there are places, and none that
// is in the cache. Equal steps are one step: within a build by their definition, between builds by their key.

import { availableParallelism } from "node:os";
import type { Platform } from "../../image/platform.ts";
import type { BuildTable } from "../../state/build.ts";
import { CacheKeeper } from "../cache/prune.ts";
import type { ExportedRecord } from "../cache/remote/export.ts";
import { BuildCache } from "../cache/store.ts";
import { StepLedger } from "../explain/ledger.ts";
import type { Input } from "../graph.ts";
import type { BuildNeeds } from "../needs.ts";
import { CacheMounts } from "../ops/mounts/cache-mounts.ts";
import { Checksums } from "../ops/tree/checksums.ts";
import { KnownTrees } from "../ops/tree/known-tree.ts";
import { readTreeFile } from "../ops/tree/read-file.ts";
import type { BuildSession, SolveOptions, Solver, Tree } from "../solver-contract.ts";
import { type Build, openBuild } from "./build.ts";
import { vertexDigest } from "./digests.ts";
import { Flights } from "./flights.ts";
import { checkPlatform } from "./platforms.ts";
import type { Said } from "./progress.ts";
import { Slots } from "./slots.ts";
import { type Solved, type SolverParts, solveVertex } from "./vertex.ts";

export class GraphSolver implements Solver {
  /** For sessions, which bring layers of their own. */
  readonly needs: BuildNeeds;
  readonly cache: BuildCache;
  readonly caches: CacheMounts;
  readonly keeper: CacheKeeper;
  /** What sessions received. */
  readonly knownTrees = new KnownTrees();
  readonly #parts: SolverParts;
  /** Builds that have not ended. */
  #open = 0;
  #collecting = false;
  readonly #builds = new WeakMap<BuildSession, Build>();

  constructor(needs: BuildNeeds, table: BuildTable) {
    const ledger = new StepLedger(needs.stepStore, needs.now);
    this.needs = needs;
    this.cache = new BuildCache(table, needs);
    this.caches = new CacheMounts({ table, directories: needs.directories, now: needs.now });
    this.keeper = new CacheKeeper(this.cache, this.caches, () => table.mounts(), needs.freeSpace);
    this.#parts = {
      needs,
      cache: this.cache,
      caches: this.caches,
      known: this.knownTrees,
      checksums: new Checksums(this.knownTrees, (digest, files) => ledger.noteFiles(digest, files)),
      ledger,
      flights: new Flights<Solved, Said>(({ release }) => release()),
      slots: new Slots(Math.max(4, availableParallelism() * 2)),
    };
  }

  async solve(target: Input, options: SolveOptions): Promise<Tree> {
    options.signal.throwIfAborted();
    vertexDigest(target.vertex);
    const outputs = await solveVertex(target.vertex, this.#parts, this.#build(options.session), options);
    return outputs[target.output] ?? outOfRange(target);
  }

  async imageConfig(
    ref: string,
    platform: Platform,
    mode: "default" | "pull" | "local",
    options: SolveOptions,
  ): Promise<Awaited<ReturnType<Solver["imageConfig"]>>> {
    checkPlatform(platform);
    const found = await this.#build(options.session).image(
      { ref, platform, mode, session: options.session, signal: options.signal, status: () => undefined },
      this.#parts.needs,
    );
    return { ref: found.ref, digest: found.digest, config: found.config };
  }

  async readFile(tree: Tree, path: string, limit: number): Promise<Uint8Array | undefined> {
    return readTreeFile(this.#parts.needs.layers, tree.diffIds, path, limit);
  }

  async createdAt({ vertex }: Input, session: BuildSession): Promise<string | undefined> {
    return (await this.#build(session).vertices.get(vertexDigest(vertex)))?.created;
  }

  /** What this session's build has made, or taken from the cache, so far: for a cache that goes elsewhere. */
  async records(session: BuildSession): Promise<readonly ExportedRecord[]> {
    const outcomes = await Promise.allSettled(this.#build(session).vertices.values());
    const ids = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value.records : []));
    return [...new Set(ids)].flatMap((id) => this.cache.get(id) ?? []);
  }

  async end(session: BuildSession): Promise<void> {
    const build = this.#builds.get(session);
    this.#builds.delete(session);
    if (build !== undefined) {
      this.#open--;
      await build[Symbol.asyncDispose]();
      this.cache.flush();
      await this.#collect();
    }
    if (this.#open === 0) await this.needs.layers.idle();
  }

  /** Not twice at once; what a build leaves meanwhile is looked at after the next one. */
  async #collect(): Promise<void> {
    if (this.#collecting) return;
    this.#collecting = true;
    try {
      for (const policy of this.needs.policies()) await this.keeper.prune(policy);
    } finally {
      this.#collecting = false;
    }
  }

  #build(session: BuildSession): Build {
    const known = this.#builds.get(session);
    if (known !== undefined) return known;
    const build = openBuild(this.#parts.needs);
    this.#builds.set(session, build);
    this.#open++;
    return build;
  }
}

function outOfRange({ vertex, output }: Input): never {
  throw new RangeError(`"${vertex.name}" has no output ${output}`);
}
