// `cachefrom` and `cacheto` of POST /build, as far as they are caches elsewhere, written as buildx writes them. Names alone,
// which a classic client's `--cache-from` gives, are images that are here (see backend.ts).

import type { BuildRequest } from "../../api/backend.ts";
import { HoyError, toHoyError } from "../../base/error.ts";
import { type CacheParts, cacheTargets, exportCaches, importCaches } from "../../build/cache/remote/caches.ts";
import { parseCacheOption } from "../../build/cache/remote/entry.ts";
import { inlineRecords } from "../../build/cache/remote/export.ts";
import type { CacheImport } from "../../build/cache/remote/import.ts";
import type { GraphSolver } from "../../build/solver/solver.ts";
import type { BuildSession, Tree } from "../../build/solver-contract.ts";
import type { Emit } from "./classic-output.ts";

export interface ClassicCaches {
  imports(): Promise<CacheImport[]>;
  /** Records for the image's config; undefined: not asked for. */
  inline(tree: Tree): Promise<Uint8Array | undefined>;
  export(tree: Tree): Promise<void>;
}

export function classicCaches(
  { cacheFrom, cacheTo }: Pick<BuildRequest, "cacheFrom" | "cacheTo">,
  given: {
    readonly solver: GraphSolver;
    readonly session: BuildSession;
    readonly signal: AbortSignal;
    readonly emit: Emit;
  },
): ClassicCaches {
  const { solver, session, signal, emit } = given;
  const parts: CacheParts = {
    solver,
    session,
    signal,
    async step(name, work) {
      emit({ stream: `${name}\n` });
      try {
        return await work(() => undefined);
      } catch (thrown) {
        emit({ stream: `[Warning] ${name}: ${toHoyError(thrown).message}\n` });
        throw thrown;
      }
    },
    async directory(path) {
      throw new HoyError("invalid", `the cache ${path} is a directory of the client, which this API can't reach`, {
        hint: "use type=registry, or docker buildx",
      });
    },
  };
  const targets = cacheTargets(cacheTo.map(parseCacheOption));
  return {
    async imports() {
      return importCaches(cacheFrom.filter(isCache).map(parseCacheOption), parts);
    },
    async inline(tree) {
      return targets.inline ? inlineRecords(await solver.records(session), tree.diffIds) : undefined;
    },
    async export(tree) {
      await exportCaches(targets, [tree], parts);
    },
  };
}

/** `type=…`, and not an image's name. */
export function isCache(text: string): boolean {
  return text.includes("=");
}
