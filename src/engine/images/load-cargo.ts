// Reads an image archive once, front to back, though what its files are is said only at its end: layers are recognised
// by their bytes and added as they pass, documents are small and kept in memory, anything else is set aside in a file.
// Nothing in it is trusted: names are only keys, and all of it is bounded.

import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Digest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { JSON_LIMIT } from "../../image/json.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { type Compression, decompress, detectCompression, peek } from "../../storage/decompress.ts";
import type { LayerInfo } from "../../storage/snapshot.ts";
import { rawToText } from "../../storage/tar/entry.ts";
import { readTar, type TarItem } from "../../storage/tar/reader.ts";
import { addTar } from "./add-tar.ts";
import type { IngestSession } from "./collector.ts";
import { counted } from "./messages.ts";
import { type ImageShelf, TEMPORARY_PREFIX } from "./shelf.ts";

export const CARGO_LIMITS = {
  entries: 100_000,
  /** All documents together. */
  documents: 64 * 1024 * 1024,
  /** All files that were set aside together. */
  setAside: 32 * 1024 ** 3,
} as const;

/** How a compressed layer is called in a manifest; OCI knows no others. */
const PACKED_TYPES: Partial<Record<Compression, string>> = {
  gzip: mediaTypes.ociLayerGzip,
  zstd: mediaTypes.ociLayerZstd,
};

export interface CargoLayer {
  readonly layer: LayerInfo;
  /** The bytes as they stood in the archive, when those were compressed. */
  readonly packed: Descriptor | undefined;
  /** Blobs to add the image with. */
  readonly blobs: readonly Digest[];
}

export interface CargoOptions {
  /** Told of each layer as it is read. */
  readonly onProgress: (name: string, current: number, total: number) => void;
  readonly signal: AbortSignal;
}

type Entry =
  | { readonly kind: "document"; readonly bytes: Uint8Array }
  | { readonly kind: "layer"; readonly added: CargoLayer }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "link"; readonly to: string };

export class Cargo implements AsyncDisposable {
  readonly #shelf: ImageShelf;
  readonly #session: IngestSession;
  readonly #options: CargoOptions;
  readonly #directory: string;
  readonly #entries = new Map<string, Entry>();
  #documents = 0;
  #files = 0;
  #bytesAside = 0;

  private constructor(shelf: ImageShelf, session: IngestSession, options: CargoOptions, directory: string) {
    this.#shelf = shelf;
    this.#session = session;
    this.#options = options;
    this.#directory = directory;
  }

  /** @throws HoyError "invalid" for a bad archive, "too-large" past the bounds. */
  static async read(
    shelf: ImageShelf,
    session: IngestSession,
    archive: AsyncIterable<Uint8Array>,
    options: CargoOptions,
  ): Promise<Cargo> {
    const directory = await mkdtemp(join(shelf.temporary, `${TEMPORARY_PREFIX}load-`));
    const cargo = new Cargo(shelf, session, options, directory);
    try {
      await cargo.#readAll(decompress(archive, { signal: options.signal }));
    } catch (error) {
      await cargo[Symbol.asyncDispose]();
      throw error;
    }
    return cargo;
  }

  /** A JSON document of the archive, or undefined when there is none of that name. */
  document(name: string): Uint8Array | undefined {
    const entry = this.#entry(name);
    return entry?.kind === "document" ? entry.bytes : undefined;
  }

  has(name: string): boolean {
    return this.#entry(name) !== undefined;
  }

  /**
   * The file of that name as a layer.
   * @throws HoyError "invalid" when it is not there or not a layer of that diff id.
   */
  async layer(name: string, diffId: Digest): Promise<CargoLayer> {
    const entry = this.#entry(name);
    if (entry === undefined) {
      const here = await this.#session.useLayer(diffId);
      if (here === undefined) throw new HoyError("invalid", `invalid archive: the layer ${name} is missing`);
      return { layer: here, packed: undefined, blobs: [] };
    }
    const added = await this.#asLayer(entry, diffId);
    const got = added.layer.diffId;
    if (got !== diffId) {
      throw new HoyError("invalid", `invalid diffID for layer ${name}: expected "${diffId}", got "${got}"`);
    }
    return added;
  }

  /** As `layer`, for archives that don't say which diff id to expect. */
  async anyLayer(name: string): Promise<CargoLayer> {
    const entry = this.#entry(name);
    if (entry === undefined) throw new HoyError("invalid", `invalid archive: the layer ${name} is missing`);
    return this.#asLayer(entry, undefined);
  }

  async #asLayer(entry: Exclude<Entry, { kind: "link" }>, diffId: Digest | undefined): Promise<CargoLayer> {
    if (entry.kind === "layer") return entry.added;
    // Set aside because it did not look like a layer: an empty tar, or one from before ustar.
    const bytes = entry.kind === "document" ? once(entry.bytes) : createReadStream(entry.path);
    return this.#addPlain(decompress(bytes, { signal: this.#options.signal }), diffId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  #entry(name: string): Exclude<Entry, { kind: "link" }> | undefined {
    let key = cleanName(name);
    // Links to links are not written by anyone; a few steps are enough, and a circle ends.
    for (let step = 0; step < 4; step++) {
      const entry = this.#entries.get(key);
      if (entry?.kind !== "link") return entry;
      key = entry.to;
    }
    return undefined;
  }

  async #readAll(archive: AsyncIterable<Uint8Array>): Promise<void> {
    let count = 0;
    for await (const item of readTar(archive)) {
      this.#options.signal.throwIfAborted();
      if (++count > CARGO_LIMITS.entries) {
        throw new HoyError("too-large", `invalid archive: it has more than ${CARGO_LIMITS.entries} files`);
      }
      const name = cleanName(rawToText(item.entry.name));
      const entry = await this.#take(name, item);
      if (entry !== undefined) this.#entries.set(name, entry);
    }
  }

  async #take(name: string, item: TarItem): Promise<Entry | undefined> {
    const { type, linkname } = item.entry;
    if (type === "symlink") {
      return { kind: "link", to: cleanName(posix.join(posix.dirname(name), rawToText(linkname))) };
    }
    if (type === "hardlink") return { kind: "link", to: cleanName(rawToText(linkname)) };
    return type === "file" ? this.#takeFile(name, item) : undefined;
  }

  async #takeFile(name: string, item: TarItem): Promise<Entry> {
    const { size } = item.entry;
    const { head, stream } = await peek(item.data, 512);
    const compression = detectCompression(head);
    if (compression !== "plain") return this.#takePacked(name, size, stream, compression);
    if (isTar(head)) {
      const expected = digestInName(name);
      // What is here already was verified when it came.
      if (expected !== undefined && (await this.#session.useLayer(expected)) !== undefined) {
        return { kind: "layer", added: await this.layer(name, expected) };
      }
      return { kind: "layer", added: await this.#addPlain(this.#watched(name, size, stream), expected) };
    }
    if (size > JSON_LIMIT) return { kind: "file", path: await this.#setAside(stream) };
    this.#documents += size;
    if (this.#documents > CARGO_LIMITS.documents) {
      throw new HoyError("too-large", `invalid archive: its documents have more than ${CARGO_LIMITS.documents} bytes`);
    }
    return { kind: "document", bytes: await collect(stream) };
  }

  /** A compressed layer, or some other compressed file that nothing will ask for. */
  async #takePacked(
    name: string,
    size: number,
    stream: AsyncIterable<Uint8Array>,
    compression: Compression,
  ): Promise<Entry> {
    const { signal } = this.#options;
    const expected = digestInName(name);
    const packed = await this.#session.putBlob(this.#watched(name, size, stream), {
      signal,
      ...(expected === undefined ? {} : { expected }),
    });
    const plain = decompress(await this.#shelf.content.stream(packed.digest), { signal });
    const { head, stream: tar } = await peek(plain, 512);
    if (!isTar(head)) {
      await tar[Symbol.asyncIterator]().return?.(undefined);
      return { kind: "file", path: await this.#shelf.content.path(packed.digest) };
    }
    // Only what other engines read too is kept as it came.
    const mediaType = PACKED_TYPES[compression];
    const { layer, blobs } = await addTar(this.#shelf, this.#session, tar, { signal, packed: mediaType !== undefined });
    return {
      kind: "layer",
      added: { layer, packed: mediaType === undefined ? undefined : { mediaType, ...packed }, blobs },
    };
  }

  async #addPlain(tar: AsyncIterable<Uint8Array>, expected: Digest | undefined): Promise<CargoLayer> {
    const { signal } = this.#options;
    const options = { signal, ...(expected === undefined ? {} : { expected }) };
    const { layer, blobs } = await addTar(this.#shelf, this.#session, tar, options);
    return { layer, packed: undefined, blobs };
  }

  async #setAside(stream: AsyncIterable<Uint8Array>): Promise<string> {
    const path = join(this.#directory, String(this.#files++));
    const limit = CARGO_LIMITS.setAside;
    const file = await open(path, "wx", 0o600);
    try {
      for await (const chunk of stream) {
        this.#bytesAside += chunk.byteLength;
        if (this.#bytesAside > limit) {
          throw new HoyError("too-large", `invalid archive: more than ${limit} bytes of it are not layers`);
        }
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    return path;
  }

  #watched(name: string, size: number, stream: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return counted(stream, (current) => this.#options.onProgress(name, current, size));
  }
}

/** The name as a key: no leading "./" or "/". @throws HoyError "invalid" when it leads out of the archive. */
function cleanName(name: string): string {
  const clean = posix.normalize(name).replace(/^\/+/, "").replace(/\/$/, "");
  if (clean === ".." || clean.startsWith("../")) {
    throw new HoyError("invalid", `invalid archive: the name ${JSON.stringify(name.slice(0, 200))} leads out of it`);
  }
  return clean;
}

function digestInName(name: string): Digest | undefined {
  const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

/** ustar's mark, which GNU and PAX archives have too. */
function isTar(head: Uint8Array): boolean {
  return head.length >= 262 && Buffer.from(head.subarray(257, 262)).toString("latin1") === "ustar";
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  // One copy: the chunks are views into buffers that would otherwise be kept alive whole.
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
