// What the solver asks of each kind of operation: a key that says what its result depends on, and the result itself.

import type { Digest } from "../../base/digest.ts";
import type { RecordType } from "../cache/store.ts";
import type { Entitlements } from "../entitlements.ts";
import type { KeyParts } from "../explain/parts.ts";
import type { BuildNeeds, LayerSession } from "../needs.ts";
import type { Build } from "../solver/build.ts";
import type { Say } from "../solver/progress.ts";
import type { BuildSession } from "../solver-contract.ts";
import type { CacheMounts } from "./mounts/cache-mounts.ts";
import type { Checksums } from "./tree/checksums.ts";
import type { KnownTrees } from "./tree/known-tree.ts";

/** What an operation works with. */
export interface OperationContext {
  readonly needs: BuildNeeds;
  readonly session: BuildSession;
  readonly signal: AbortSignal;
  readonly say: Say;
  readonly build: Build;
  readonly caches: CacheMounts;
  readonly checksums: Checksums;
  readonly known: KnownTrees;
  readonly entitlements: Entitlements;
  /** ns; times of what is made are clamped to it. */
  readonly clamp: bigint | undefined;
}

export interface Run {
  readonly signal: AbortSignal;
  readonly say: Say;
  /** Layers added here stay until the result is recorded. */
  readonly layers: LayerSession;
}

export interface Made {
  /** The layers of each output, bottom first. */
  readonly outputs: readonly (readonly Digest[])[];
  /** Bytes of the layers that were added. */
  readonly size: number;
}

export interface Operation {
  /** Of all that the result depends on; undefined: it costs nothing, or its result is not the cache's to keep. */
  readonly key: Digest | undefined;
  /** The same in parts, for explanations; undefined: there is nothing to say of it. */
  readonly explained?: { readonly kind: "exec" | "file"; readonly parts: KeyParts };
  /** "cached": nothing had to be fetched or made. */
  readonly type: RecordType | "cached";
  /** Its work takes one of the places that the machine has; else it only waits for others. */
  readonly heavy: boolean;
  run(run: Run): Promise<Made>;
}

/** An operation whose result is there already. @param type "cached", unless something was fetched for it. */
export function immediate(outputs: readonly (readonly Digest[])[], type: Operation["type"] = "cached"): Operation {
  return { key: undefined, type, heavy: false, run: async () => ({ outputs, size: 0 }) };
}
