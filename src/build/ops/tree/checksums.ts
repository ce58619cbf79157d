// Checksums that are known: a tree is named by its content, so what was found in it once holds for good. A context that
// did not change since the last build is then neither mounted nor read.

import type { Digest } from "../../../base/digest.ts";
import { MAX_NOTED, type NotedFile } from "../../explain/files.ts";
import type { Layers } from "../../needs.ts";
import { canonical } from "../../solver/digests.ts";
import type { Tree } from "../../solver-contract.ts";
import { copyChecksum, mountChecksum } from "./checksum.ts";
import { openLayers } from "./read-file.ts";
import type { CopyChange } from "./select.ts";

const KEPT = 10_000;

export class Checksums {
  readonly #known = new Map<string, Digest>();
  readonly #note: (digest: Digest, files: readonly NotedFile[]) => void;

  /** @param note is told of the files behind each checksum that was found. */
  constructor(note: (digest: Digest, files: readonly NotedFile[]) => void = () => undefined) {
    this.#note = note;
  }

  /** Of what a copy takes. @throws HoyError "not-found" when it names nothing. */
  copy(tree: Tree, change: CopyChange, layers: Pick<Layers, "mount">, signal: AbortSignal): Promise<Digest> {
    // Only what selects files; where they go and whose they become is said elsewhere in a key.
    const { source, followSymlink, allowWildcard, allowEmptyWildcard, include, exclude, parents } = change;
    const selection = { source, followSymlink, allowWildcard, allowEmptyWildcard, include, exclude, parents };
    return this.#find(canonical([tree.key, selection]), async (note) => {
      using root = await openLayers(layers, tree.diffIds);
      return copyChecksum(root, change, signal, note);
    });
  }

  /** Of what is mounted. @throws HoyError "not-found". */
  mount(tree: Tree, selector: string, layers: Pick<Layers, "mount">, signal: AbortSignal): Promise<Digest> {
    return this.#find(canonical([tree.key, "mount", selector]), async (note) => {
      using root = await openLayers(layers, tree.diffIds);
      return mountChecksum(root, selector, signal, note);
    });
  }

  async #find(key: string, make: (note: (file: NotedFile) => void) => Promise<Digest>): Promise<Digest> {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const files: NotedFile[] = [];
    const made = await make((file) => {
      if (files.length <= MAX_NOTED) files.push(file);
    });
    this.#note(made, files);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= KEPT && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, made);
    return made;
  }
}
