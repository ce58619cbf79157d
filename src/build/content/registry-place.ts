// A name at a registry as a place for blobs: caches are exported to and imported from it, images pushed.

import type { RegistryAuth } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { RegistrySettings } from "../../base/settings.ts";
import { userAgent } from "../../base/version.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { isIndexType, isManifestType } from "../../image/media-types.ts";
import { canonicalString, type Reference } from "../../image/reference.ts";
import { Repository } from "../../registry/client/repository.ts";
import { upload } from "../../registry/client/upload.ts";
import type { ContentSource, ContentTarget, StoredBlob } from "./place.ts";
import { readVerified, verified } from "./verified.ts";

export interface RegistryPlaceOptions {
  /** With a tag or a digest. */
  readonly ref: Reference;
  readonly auth: RegistryAuth | undefined;
  readonly settings: RegistrySettings;
  /** Plain HTTP, and certificates that nobody vouches for, are fine: the user said so for this one. */
  readonly insecure: boolean;
}

export class RegistryPlace implements ContentSource, ContentTarget {
  readonly name: string;
  readonly #repository: Repository;
  readonly #reference: string;
  readonly #attempts: number;

  constructor({ ref, auth, settings, insecure }: RegistryPlaceOptions) {
    this.name = canonicalString(ref);
    this.#reference = ref.digest ?? ref.tag ?? "latest";
    this.#attempts = settings.maxDownloadAttempts;
    this.#repository = new Repository({
      domain: ref.domain,
      path: ref.path,
      auth,
      settings: insecure ? { ...settings, insecure: [...settings.insecure, ref.domain] } : settings,
      userAgent,
    });
  }

  async putBlob({ descriptor, path }: StoredBlob, signal: AbortSignal): Promise<void> {
    const quiet = { signal, attempts: this.#attempts, mountFrom: [], onProgress: () => undefined };
    await upload(this.#repository, descriptor, path, quiet);
  }

  async putManifest(descriptor: Descriptor, bytes: Uint8Array, isRoot: boolean, signal: AbortSignal): Promise<void> {
    const reference = isRoot ? this.#reference : descriptor.digest;
    await this.#repository.putManifest(reference, descriptor.mediaType, bytes, signal);
  }

  async root(signal: AbortSignal): Promise<Uint8Array> {
    return (await this.#repository.manifest(this.#reference, signal)).bytes;
  }

  async read(descriptor: Descriptor, limit: number, signal: AbortSignal): Promise<Uint8Array> {
    const { digest, mediaType } = descriptor;
    if (!isManifestType(mediaType) && !isIndexType(mediaType)) {
      return readVerified(descriptor, limit, this.#blob(descriptor, signal));
    }
    const { bytes } = await this.#repository.manifest(digest, signal);
    if (bytes.length > limit) throw new HoyError("too-large", `the manifest ${digest} has ${bytes.length} bytes`);
    return bytes;
  }

  stream(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return verified(descriptor, this.#blob(descriptor, signal));
  }

  async *#blob({ digest }: Descriptor, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    yield* (await this.#repository.blob(digest, 0, signal)).body;
  }
}
