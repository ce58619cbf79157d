// Checksums that are known: a tree is named by its content, so what was found in it once holds for good. A context that
// did not change since the last build is then neither mounted nor read.

import { makeRoom } from "../../../base/bounded.ts";
import type { Digest } from "../../../base/digest.ts";
import { MAX_NOTED, type NotedFile } from "../../explain/files.ts";
import type { Layers } from "../../needs.ts";
import { canonical } from "../../solver/digests.ts";
import type { Tree } from "../../solver-contract.ts";
import { copyChecksum, mountChecksum } from "./checksum.ts";
import type { KnownTrees } from "./known-tree.ts";
import { openLayers } from "./read-file.ts";
import type { CopyChange, CopySource } from "./select.ts";

const KEPT = 10_000;

export class Checksums {
  readonly #known = new Map<string, Digest>();
  readonly #trees: KnownTrees;
  readonly #note: (digest: Digest, files: readonly NotedFile[]) => void;

  /** @param note is told of the files behind each checksum that was found. */
  constructor(trees: KnownTrees, note: (digest: Digest, files: readonly NotedFile[]) => void = () => undefined) {
    this.#trees = trees;
    this.#note = note;
  }

  /** Of what a copy takes. @throws HoyError "not-found" when it names nothing. */
  copy(tree: Tree, change: CopyChange, layers: Pick<Layers, "mount">, signal: AbortSignal): Promise<Digest> {
    // Only what selects files; where they go and whose they become is said elsewhere in a key.
    const { source, followSymlink, allowWildcard, allowEmptyWildcard, include, exclude, parents } = change;
    const selection = { source, followSymlink, allowWildcard, allowEmptyWildcard, include, exclude, parents };
    return this.#find(canonical([tree.key, selection]), async (note) => {
      using held = new DisposableStack();
      return await copyChecksum(this.#source(tree, layers, held), change, signal, note);
    });
  }

  /** Of what is mounted. @throws HoyError "not-found". */
  mount(tree: Tree, selector: string, layers: Pick<Layers, "mount">, signal: AbortSignal): Promise<Digest> {
    return this.#find(canonical([tree.key, "mount", selector]), async (note) => {
      using held = new DisposableStack();
      return await mountChecksum(this.#source(tree, layers, held), selector, signal, note);
    });
  }

  #source({ key, diffIds }: Tree, layers: Pick<Layers, "mount">, held: DisposableStack): CopySource {
    const known = this.#trees.find(key);
    return {
      root: async () => held.use(await openLayers(layers, diffIds)),
      known: known && { tree: known, tar: undefined },
    };
  }

  async #find(key: string, make: (note: (file: NotedFile) => void) => Promise<Digest>): Promise<Digest> {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const files: NotedFile[] = [];
    const made = await make((file) => {
      if (files.length <= MAX_NOTED) files.push(file);
    });
    this.#note(made, files);
    makeRoom(this.#known, KEPT);
    this.#known.set(key, made);
    return made;
  }
}
