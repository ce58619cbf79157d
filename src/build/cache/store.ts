// The build cache: results of steps, by key. A result's layers are held by rows that are written with its record, so a
// crash leaves either both or neither, and what no row names is swept at the next start like any other layer.
//
// Records that a running build uses are in use until that build ends: no prune takes them away under it.

import { randomBytes } from "node:crypto";
import { chainId, type Digest, isDigest, parseDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { BuildRecordRow, BuildTable, HeldChain } from "../../state/build.ts";
import type { BuildNeeds } from "../needs.ts";

export type RecordType = "regular" | "source.local" | "source.git.checkout" | "internal";

export interface NewRecord {
  readonly key: Digest;
  readonly outputs: readonly (readonly Digest[])[];
  readonly parents: readonly string[];
  readonly type: RecordType;
  readonly description: string;
  /** Bytes of the layers that it added. */
  readonly size: number;
}

export interface CacheRecord {
  readonly id: string;
  readonly outputs: readonly (readonly Digest[])[];
  readonly created: string;
}

export class BuildCache {
  readonly #needs: Pick<BuildNeeds, "layers" | "now">;
  readonly #table: BuildTable;
  /** Record → how many builds have it. */
  readonly #inUse = new Map<string, number>();
  /** Uses that are not written yet. */
  #uses = new Map<string, number>();

  constructor(table: BuildTable, needs: Pick<BuildNeeds, "layers" | "now">) {
    this.#table = table;
    this.#needs = needs;
  }

  find(key: Digest): CacheRecord | undefined {
    const row = this.#table.find(key);
    return row === null ? undefined : { id: row.id, outputs: outputsOf(row), created: row.created };
  }

  /** A record, with the key of its step. */
  get(id: string): (CacheRecord & { readonly key: Digest }) | undefined {
    const row = this.#table.get(id);
    return row === null ? undefined : { id, key: parseDigest(row.key), outputs: outputsOf(row), created: row.created };
  }

  /** Keeps a result. Its layers must stay by a session until this is done. */
  async put(record: NewRecord): Promise<CacheRecord> {
    const held = await Promise.all(record.outputs.map((diffIds) => this.#held(diffIds)));
    const now = this.#needs.now();
    const id = newRecordId();
    const { key, outputs, parents, type, description, size } = record;
    this.#table.add(
      {
        id,
        key,
        outputs: JSON.stringify(outputs),
        parents: JSON.stringify([...new Set(parents)]),
        type,
        description,
        size,
        created: now,
        used: now,
        uses: 1,
      },
      held,
    );
    return { id, outputs, created: now };
  }

  /** A build has the record until the result is called. */
  use(id: string): () => void {
    this.#inUse.set(id, (this.#inUse.get(id) ?? 0) + 1);
    let done = false;
    return () => {
      if (done) return;
      done = true;
      const left = (this.#inUse.get(id) ?? 1) - 1;
      if (left > 0) this.#inUse.set(id, left);
      else this.#inUse.delete(id);
    };
  }

  /** A result was taken from here. Written by `flush`: a build from cache should not wait for the disk at each step. */
  hit(id: string): void {
    this.#uses.set(id, (this.#uses.get(id) ?? 0) + 1);
  }

  flush(): void {
    const uses = this.#uses;
    this.#uses = new Map();
    this.#table.touch(uses, this.#needs.now());
  }

  isInUse(id: string): boolean {
    return this.#inUse.has(id);
  }

  records(): BuildRecordRow[] {
    return this.#table.all();
  }

  /** Whether an image or container has the layers that a record added. */
  isShared(row: BuildRecordRow): boolean {
    const outputs = outputsOf(row);
    return outputs.length > 0 && outputs.every((diffIds) => diffIds.every((diffId) => this.#table.isShared(diffId)));
  }

  /** Removes records that no build uses; gives those that went. */
  async remove(ids: readonly string[]): Promise<string[]> {
    const free = ids.filter((id) => !this.isInUse(id));
    const { holders, blobs } = this.#table.remove(free);
    await this.#needs.layers.release(holders, blobs);
    return free;
  }

  async #held(diffIds: readonly Digest[]): Promise<HeldChain> {
    const { layers } = this.#needs;
    const rows = await Promise.all(
      diffIds.map(async (diffId) => {
        const known = this.#table.layer(diffId);
        if (known !== null) return known;
        const info = await layers.info(diffId);
        if (info === undefined) throw new HoyError("internal", `a build's layer ${diffId} is gone`);
        return { diff_id: diffId, tar_size: info.tarSize, size: info.size, entries: info.entries };
      }),
    );
    const blobs = (await Promise.all(diffIds.map((diffId) => layers.blobsOf(diffId)))).flat();
    return { chain: diffIds.length === 0 ? "" : chainId(diffIds), layers: rows, blobs: [...new Set(blobs)] };
  }
}

function outputsOf(row: BuildRecordRow): Digest[][] {
  const outputs: unknown = JSON.parse(row.outputs);
  if (!Array.isArray(outputs)) throw new HoyError("internal", `the record ${row.id} of the build cache is damaged`);
  return outputs.map((output: unknown) => (Array.isArray(output) ? output.filter((each) => isDigest(each)) : []));
}

/** As BuildKit's: 25 characters of base 36. */
function newRecordId(): string {
  const value = BigInt(`0x${randomBytes(17).toString("hex")}`);
  return value.toString(36).padStart(25, "0").slice(-25);
}
