// What of this engine's images its peers may have: those with a name at a registry that one of the patterns matches, and
// whatever they consist of. Nothing of builds, of containers, of images without a name.

import { type Digest, isDigest } from "../../base/digest.ts";
import { globMatch } from "../../image/glob.ts";
import { parseManifest } from "../../image/manifest.ts";
import { parseReference, type Reference, repositoryName } from "../../image/reference.ts";
import type { Coming } from "../../registry/client/under-way.ts";
import type { PeerDocument, PeerSource } from "../../registry/peer/source.ts";
import { manifestOf } from "./manifest-of.ts";
import type { ImageShelf } from "./shelf.ts";

const DOCUMENT_LIMIT = 4 * 1024 * 1024;

export class PeerImages implements PeerSource {
  readonly #shelf: ImageShelf;
  readonly #patterns: readonly string[];

  /** @param patterns Of normalised repositories, "registry.example.com/team/*"; "**" at the end is whatever follows. */
  constructor(shelf: ImageShelf, patterns: readonly string[]) {
    this.#shelf = shelf;
    this.#patterns = patterns;
  }

  async manifest(name: string, reference: string): Promise<PeerDocument | undefined> {
    if (!this.#mayHave(name)) return undefined;
    if (isDigest(reference)) return this.#document(reference);
    const id = this.#shelf.table.byName(`${name}:${reference}`);
    const row = id === undefined ? null : this.#shelf.table.get(id);
    if (id === undefined || row === null) return undefined;
    // Of several platforms it came as an index, under whose digest it has a name too.
    const digests = this.#names(id)
      .filter((ref) => repositoryName(ref) === name)
      .flatMap(({ digest }) => (digest !== undefined && isDigest(digest) ? [digest] : []));
    const [only, ...others] = digests;
    if (only !== undefined && others.length === 0) {
      const index = await this.#document(only);
      if (index !== undefined) return index;
    }
    const { descriptor, bytes } = await manifestOf(this.#shelf, row);
    return { digest: descriptor.digest, mediaType: descriptor.mediaType, bytes };
  }

  async blob(digest: Digest): Promise<string | undefined> {
    const pulledFor = this.#shelf.underWay.nameOf(digest);
    const isPulled = pulledFor !== undefined && this.#mayHave(pulledFor);
    if (!isPulled && !this.#isGiven(digest)) return undefined;
    if ((await this.#shelf.content.size(digest)) !== undefined) return this.#shelf.content.path(digest);
    // A layer that came uncompressed is kept by the driver alone.
    return this.#shelf.driver.layerTar(digest);
  }

  coming(name: string, digest: Digest, asker: Coming | undefined): Coming | undefined {
    if (!this.#mayHave(name)) return undefined;
    const coming = this.#shelf.underWay.coming(name, digest);
    if (coming === undefined && asker !== undefined) this.#shelf.underWay.heard(digest, asker);
    return coming;
  }

  async #document(digest: Digest): Promise<PeerDocument | undefined> {
    if (!this.#isGiven(digest)) return undefined;
    const size = await this.#shelf.content.size(digest);
    if (size === undefined || size > DOCUMENT_LIMIT) return undefined;
    const bytes = await this.#shelf.content.read(digest, DOCUMENT_LIMIT);
    return { digest, mediaType: parseManifest(bytes).mediaType, bytes };
  }

  #isGiven(digest: Digest): boolean {
    return this.#shelf.table
      .imagesWith(digest)
      .some((id) => this.#names(id).some((ref) => this.#mayHave(repositoryName(ref))));
  }

  #names(id: string): Reference[] {
    return this.#shelf.table.names(id).map(({ name }) => parseReference(name));
  }

  #mayHave(name: string): boolean {
    return this.#patterns.some((pattern) =>
      pattern.endsWith("**") ? startsAs(name, pattern.slice(0, -2)) : globMatch(pattern, name),
    );
  }
}

/** The part before "**" is a pattern of as many path components. */
function startsAs(name: string, pattern: string): boolean {
  const depth = pattern.split("/").length - 1;
  const parts = name.split("/");
  if (parts.length <= depth) return false;
  return globMatch(`${pattern}*`, parts.slice(0, depth + 1).join("/"));
}
