// `push`: an image to a registry, under one tag or all of its repository's. Layers go in parallel, as the blobs they
// came as where those are here (so the digests are the same), else as gzip of their tars; the manifest goes last, so
// that nothing incomplete can be pulled.

import { dirname } from "node:path";
import type { ImagePushOptions, ProgressMessage } from "../../../api/backend.ts";
import { HoyError } from "../../../base/error.ts";
import { shortId } from "../../../base/id.ts";
import type { RegistrySettings } from "../../../base/settings.ts";
import { userAgent } from "../../../base/version.ts";
import { type LayerCompression, parseCompression } from "../../../image/compression.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { type Platform, parsePlatform } from "../../../image/platform.ts";
import {
  canonicalString,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
  withTag,
} from "../../../image/reference.ts";
import { Repository } from "../../../registry/client/repository.ts";
import { type UploadOptions, upload } from "../../../registry/client/upload.ts";
import { handoverKey } from "../../../registry/handover.ts";
import { emitImage, type ImageContext } from "../context.ts";
import { messagesOf, type Say } from "../messages.ts";
import { Slots } from "../pull/shared.ts";
import { checkPlatform } from "../resolve.ts";
import { type PackedImage, packImage, repackImage } from "./pack.ts";
import { pushBlob } from "./push-blob.ts";
import { pushIndex } from "./push-index.ts";

export class Pusher {
  readonly #context: ImageContext;
  readonly #settings: () => RegistrySettings;

  constructor(context: ImageContext, settings: () => RegistrySettings) {
    this.#context = context;
    this.#settings = settings;
  }

  /** @throws "not-found" when no image here has the name. */
  async push(name: string, options: ImagePushOptions, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>> {
    const compression = options.compression === undefined ? undefined : parseCompression(options.compression);
    const given = parseReference(name);
    const ref = options.tag ? withTag(given, options.tag) : given;
    const targets = ref.tag === undefined ? this.#tagsOf(ref) : [ref];
    if (
      targets.length === 0 ||
      targets.some((target) => this.#context.shelf.table.byName(canonicalString(target)) === undefined)
    ) {
      throw new HoyError(
        "not-found",
        `An image does not exist locally with the tag: ${repositoryName(ref).replace(/^docker\.io\/(library\/)?/, "")}`,
      );
    }
    return messagesOf(signal, async (say, abort) => {
      say({ status: `The push refers to repository [${repositoryName(ref)}]` });
      const settings = this.#settings();
      const repository = new Repository({
        domain: ref.domain,
        path: ref.path,
        auth: options.auth,
        settings,
        userAgent,
      });
      const what = { compression, platform: options.platform ? parsePlatform(options.platform) : undefined };
      for (const target of targets) await this.#pushOne(repository, target, settings, what, say, abort);
    });
  }

  #tagsOf(ref: Reference): Reference[] {
    const prefix = `${repositoryName(ref)}:`;
    const names = this.#context.shelf.table
      .names()
      .filter(({ name }) => name.startsWith(prefix) && !name.includes("@"));
    return names.length > 0 ? names.map(({ name }) => parseReference(name)) : [withDefaultTag(ref)];
  }

  async #pushOne(
    repository: Repository,
    ref: Reference,
    settings: RegistrySettings,
    { compression, platform }: { compression: LayerCompression | undefined; platform: Platform | undefined },
    say: Say,
    signal: AbortSignal,
  ): Promise<void> {
    const { shelf } = this.#context;
    const name = canonicalString(ref);
    const row = shelf.find(name, platform);
    if (platform !== undefined) checkPlatform(name, platform, await shelf.config(row.id));
    await using session = shelf.session();
    const index = shelf.table.indexes.of(name);
    if (index !== undefined && compression === undefined && platform === undefined) {
      const how = { settings, mountFrom: this.#siblings(ref, row.id) };
      const kept = await pushIndex(shelf, session, index, repository, ref, how, say, signal);
      await this.#pushed(ref, row.id, kept, say);
      shelf.table.indexes.copy(`${repositoryName(ref)}@${kept.digest}`, index);
      return;
    }
    const image = await (compression === undefined
      ? packImage(shelf, session, row, signal)
      : repackImage(shelf, session, row, compression, signal));
    const slots = new Slots(settings.maxUploads);
    const mountFrom = this.#siblings(ref, row.id);
    // A registry of this host may take blobs from where they are.
    const handover = await handoverKey(dirname(dirname(image.config.path)));
    const how = { mountFrom, attempts: settings.maxDownloadAttempts, handover };
    await Promise.all(image.layers.map((layer) => slots.run(() => this.#layer(repository, layer, how, say, signal))));
    const { config } = image;
    const quiet = {
      signal,
      attempts: settings.maxDownloadAttempts,
      mountFrom: [],
      onProgress: () => undefined,
      handover,
    };
    await upload(repository, config.descriptor, config.path, quiet);
    await repository.putManifest(ref.tag ?? image.descriptor.digest, image.descriptor.mediaType, image.bytes, signal);
    await this.#pushed(ref, row.id, image.descriptor, say);
  }

  async #pushed(ref: Reference, id: string, { digest, size }: Descriptor, say: Say): Promise<void> {
    this.#context.shelf.setName(`${repositoryName(ref)}@${digest}`, id);
    say({ status: `${ref.tag ?? ""}: digest: ${digest} size: ${size}` });
    say({ aux: { Tag: ref.tag ?? "", Digest: digest, Size: size } });
    await emitImage(this.#context, "push", id, canonicalString(ref));
  }

  async #layer(
    repository: Repository,
    layer: PackedImage["layers"][number],
    how: Omit<UploadOptions, "signal" | "onProgress">,
    say: Say,
    signal: AbortSignal,
  ) {
    await pushBlob(repository, layer, shortId(layer.diffId), how, say, signal);
  }

  /** Other repositories of the same registry that this image came from or went to. */
  #siblings(ref: Reference, imageId: string): string[] {
    const names = this.#context.shelf.table.names(imageId).map(({ name }) => parseReference(name));
    return [
      ...new Set(
        names.filter((other) => other.domain === ref.domain && other.path !== ref.path).map((other) => other.path),
      ),
    ];
  }
}
