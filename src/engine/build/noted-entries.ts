// What passes of a context's tar, as a tree that copies need not look for where it is mounted (known-tree.ts). Only a plain
// tree is told: each directory before what is in it, in the order of a walk, nothing twice, as clients write it.

import { createHash, type Hash, hash as hashOf } from "node:crypto";
import { type KnownFile, KnownTree } from "../../build/ops/tree/known-tree.ts";
import { cleanName } from "../../storage/layer/name.ts";
import type { RawText, TarEntry } from "../../storage/tar/entry.ts";

/** More than a known tree may have. */
const MAX_FILES = 100_000;

export class NotedEntries {
  readonly #files: KnownFile[] = [];
  readonly #byPath = new Map<RawText, KnownFile>();
  #isPlain = true;

  /** @param offset of its data in the layer's tar @param digest of it (PassingDigest); "" where there is none */
  add(entry: TarEntry, offset: number, digest: string): void {
    if (!this.#isPlain) return;
    const file = this.#known(entry, offset, digest);
    if (file === undefined || this.#files.length >= MAX_FILES) {
      this.#isPlain = false;
      this.#files.length = 0;
      this.#byPath.clear();
      return;
    }
    this.#files.push(file);
    this.#byPath.set(file.path, file);
  }

  /** Whether digests are still wanted. */
  get isPlain(): boolean {
    return this.#isPlain;
  }

  /** undefined where a layer may show something otherwise than it came. */
  tree(): KnownTree | undefined {
    return this.#isPlain ? KnownTree.of(this.#files) : undefined;
  }

  #known(entry: TarEntry, offset: number, digest: string): KnownFile | undefined {
    const { type, mode, size, mtime, linkname, xattrs } = entry;
    const parts = cleanName(entry.name);
    const path = parts.join("/");
    const parent = parts.slice(0, -1).join("/");
    // The root's own attributes are no file's; a missing parent is made by the layer, and one that is a link is followed.
    if (path === "" || (parent !== "" && this.#byPath.get(parent)?.type !== "dir")) return undefined;
    if (type === "hardlink") {
      const first = this.#byPath.get(cleanName(linkname).join("/"));
      return first?.type === "file" ? { ...first, path } : undefined;
    }
    // Devices may be whiteouts to a layer, and not every attribute is one that it keeps.
    if (type === "char" || type === "block" || xattrs.size > 0) return undefined;
    const isLink = type === "symlink";
    const inode = this.#files.length;
    return {
      path,
      type,
      mode: isLink ? 0o777 : mode,
      size: type === "file" ? size : 0,
      mtime,
      target: isLink ? linkname : "",
      digest,
      offset: digest === "" ? 0 : offset,
      inode,
    };
  }
}

/** Pieces that are hashed as they come; smaller ones are whole files mostly, and hashed at once. */
const LARGE = 64 * 1024;

/** SHA-256 of data that passes by. */
export class PassingDigest {
  #first: Uint8Array | undefined;
  #hash: Hash | undefined;

  async *of(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of data) {
      this.#take(chunk);
      yield chunk;
    }
  }

  /** Hexadecimal. */
  get hex(): string {
    return this.#hash?.digest("hex") ?? hashOf("sha256", this.#first ?? "", "hex");
  }

  #take(chunk: Uint8Array): void {
    if (this.#hash === undefined && this.#first === undefined && chunk.length < LARGE) {
      this.#first = chunk;
      return;
    }
    this.#hash ??= createHash("sha256").update(this.#first ?? "");
    this.#hash.update(chunk);
  }
}
