// `pull`: from a name at a registry to an image that is here. Layers come in parallel, each once however many ask for
// it; the image becomes visible when all of it is here and checked.

import type { ImagePullOptions, ProgressMessage, RegistryAuth } from "../../../api/backend.ts";
import type { Digest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { shortId } from "../../../base/id.ts";
import type { RegistrySettings } from "../../../base/settings.ts";
import { userAgent } from "../../../base/version.ts";
import { parseConfig } from "../../../image/config.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { hostPlatform, parsePlatform, platformRank } from "../../../image/platform.ts";
import {
  canonicalString,
  familiarName,
  familiarString,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
  withTag,
} from "../../../image/reference.ts";
import { listTags } from "../../../registry/client/listing.ts";
import { Repository } from "../../../registry/client/repository.ts";
import type { IngestSession } from "../collector.ts";
import { emitImage, type ImageContext } from "../context.ts";
import { messagesOf, type Say } from "../messages.ts";
import type { ImageShelf } from "../shelf.ts";
import { type Chosen, chooseManifest } from "./choose.ts";
import { type PulledLayer, presentLayer, pullLayer } from "./layer.ts";
import { Shared, Slots } from "./shared.ts";

const CONFIG_LIMIT = 8 * 1024 * 1024;

export class Puller {
  readonly #context: ImageContext;
  readonly #settings: () => RegistrySettings;
  readonly #layers = new Shared<Held>();
  #slots: { readonly limit: number; readonly layers: Slots; readonly downloads: Slots } | undefined;

  /** `settings` are asked each time: they may be reloaded. */
  constructor(context: ImageContext, settings: () => RegistrySettings) {
    this.#context = context;
    this.#settings = settings;
  }

  /** @throws before the first message only for a name that can't be. */
  async pull(name: string, options: ImagePullOptions, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>> {
    const ref = parseReference(name);
    if (options.allTags && (ref.tag !== undefined || ref.digest !== undefined)) {
      throw new HoyError("invalid", "tag can't be used with --all-tags/-a");
    }
    return messagesOf(signal, async (say, abort) => {
      const repository = this.#repository(ref, options.auth);
      const tags = options.allTags ? await listTags(repository, abort) : [undefined];
      for (const tag of tags) {
        const one = tag === undefined ? withDefaultTag(ref) : withTag(ref, tag);
        await this.#pullOne(repository, one, options.platform, say, abort);
      }
    });
  }

  #repository(ref: Reference, auth: RegistryAuth | undefined): Repository {
    return new Repository({ domain: ref.domain, path: ref.path, auth, settings: this.#settings(), userAgent });
  }

  async #pullOne(
    repository: Repository,
    ref: Reference,
    wanted: string | undefined,
    say: Say,
    signal: AbortSignal,
  ): Promise<void> {
    const { shelf } = this.#context;
    const platform = wanted ? parsePlatform(wanted) : hostPlatform;
    say({
      status: `Pulling from ${repositoryName(ref).replace(/^docker\.io\//, "")}`,
      id: ref.digest ?? ref.tag ?? "",
    });
    const chosen = await chooseManifest(repository, ref.digest ?? ref.tag ?? "", platform, signal).catch((error) => {
      throw inDockersWords(error, ref);
    });
    await using session = shelf.session();
    const config = await this.#config(repository, session, chosen, signal);
    const parsed = parseConfig(config);
    if (wanted !== undefined && platformRank(platform, parsed) === undefined) {
      throw new HoyError(
        "not-found",
        `image with reference ${familiarString(ref)} was found but does not provide the specified platform (${wanted})`,
      );
    }
    const diffIds = parsed.rootfs.diff_ids;
    if (diffIds.length !== chosen.manifest.layers.length) {
      throw new HoyError("invalid", "the manifest and the config do not have the same number of layers");
    }
    const fetched = chosen.manifest.layers.map((blob, index) =>
      this.#layer(repository, session, blob, diffIds[index], say, signal),
    );
    // As soon as the image has its name, peers have its layers by that.
    using _ = { [Symbol.dispose]: () => shelf.underWay.end(chosen.manifest.layers.map(({ digest }) => digest)) };
    const pulled = await allOrFirstFault(fetched);
    const documents = await Promise.all(chosen.documents.map(async (bytes) => (await session.putBlob(bytes)).digest));
    const before = shelf.table.byName(canonicalString(ref));
    const id = await shelf.add({
      config,
      layers: pulled.map(({ layer }) => layer),
      blobs: [...documents, ...pulled.flatMap(({ blobs }) => blobs)],
      manifest: chosen.manifestDigest,
      parent: undefined,
      session,
    });
    if (ref.digest === undefined) shelf.setName(canonicalString(ref), id);
    shelf.setName(`${repositoryName(ref)}@${chosen.digest}`, id);
    say({ status: `Digest: ${chosen.digest}` });
    const newer = before !== id ? "Downloaded newer image for" : "Image is up to date for";
    say({ status: `Status: ${newer} ${familiarString(ref)}` });
    await emitImage(this.#context, "pull", familiarString(ref), familiarName(ref));
  }

  async #config(
    repository: Repository,
    session: IngestSession,
    chosen: Chosen,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { digest, size } = chosen.manifest.config;
    if (size > CONFIG_LIMIT) throw new HoyError("too-large", `an image config of ${size} bytes`);
    if ((await session.useBlob(digest)) === undefined) {
      const { body } = await repository.blob(digest, 0, signal);
      await session.putBlob(body, { expected: digest, limit: CONFIG_LIMIT, signal });
    }
    return this.#context.shelf.content.read(digest, CONFIG_LIMIT);
  }

  async #layer(
    repository: Repository,
    session: IngestSession,
    blob: Descriptor,
    diffId: Digest | undefined,
    say: Say,
    signal: AbortSignal,
  ): Promise<PulledLayer> {
    if (diffId === undefined) throw new HoyError("invalid", "the config names no layer for a blob of the manifest");
    const id = shortId(blob.digest);
    const present = await presentLayer(session, blob, diffId);
    if (present !== undefined) {
      say({ status: "Already exists", progressDetail: {}, id });
      return present;
    }
    say({ status: "Pulling fs layer", progressDetail: {}, id });
    const { maxDownloadAttempts: attempts } = this.#settings();
    const onProgress = (current: number) =>
      say({ status: "Downloading", progressDetail: { current, total: blob.size }, id });
    const onReceived = () => {
      say({ status: "Verifying Checksum", progressDetail: {}, id });
      say({ status: "Download complete", progressDetail: {}, id });
      say({ status: "Extracting", progressDetail: { current: blob.size, total: blob.size }, id });
    };
    const { shelf } = this.#context;
    const pulled = await this.#layers.run(
      `${blob.digest} ${diffId}`,
      signal,
      (shared) =>
        this.#turn((onDownloaded) =>
          held(shelf, (own) =>
            pullLayer({ shelf, repository, blob, diffId, attempts, onProgress, onReceived, onDownloaded }, own, shared),
          ),
        ),
      async ({ value }) => (await presentLayer(session, blob, diffId)) ?? value,
    );
    say({ status: "Pull complete", progressDetail: {}, id });
    return { ...pulled, blobs: [...new Set(pulled.blobs)] };
  }

  /**
   * When it is a layer's turn. While one that has come is written to the disk, the next is downloaded: layers of one size
   * would else wait for the disk all at once. Their trees are in memory until then, so there is a bound on both.
   */
  #turn<T>(work: (onDownloaded: () => void) => Promise<T>): Promise<T> {
    const { maxDownloads: limit } = this.#settings();
    if (this.#slots?.limit !== limit) {
      this.#slots = { limit, layers: new Slots(2 * limit), downloads: new Slots(limit) };
    }
    const { layers, downloads } = this.#slots;
    return layers.run(() => downloads.run(work));
  }
}

/** A layer in a session of its own: whoever began the pull may go while another waits for the layer. */
interface Held extends AsyncDisposable {
  readonly value: PulledLayer;
}

async function held(shelf: ImageShelf, work: (session: IngestSession) => Promise<PulledLayer>): Promise<Held> {
  await using stack = new AsyncDisposableStack();
  const value = await work(stack.use(shelf.session()));
  const kept = stack.move();
  return { value, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Waits for all, so that none goes on behind a failed pull's back, and throws what went wrong first. */
async function allOrFirstFault<T>(work: readonly Promise<T>[]): Promise<T[]> {
  let fault: { readonly error: unknown } | undefined;
  const watched = work.map((one) =>
    one.catch((error: unknown) => {
      fault ??= { error };
      return undefined;
    }),
  );
  await Promise.all(watched);
  if (fault !== undefined) throw fault.error;
  return Promise.all(work);
}

/** What scripts look for in `docker pull`'s errors. */
function inDockersWords(error: unknown, ref: Reference): unknown {
  if (!(error instanceof HoyError)) return error;
  const name = familiarName(ref);
  if (error.code === "unauthorized" || error.code === "forbidden" || /name unknown|denied/i.test(error.message)) {
    const words = `pull access denied for ${name}, repository does not exist or may require 'docker login': ${error.message}`;
    return new HoyError("not-found", words, { cause: error });
  }
  if (error.code === "not-found" && !error.message.startsWith("no matching manifest")) {
    return new HoyError("not-found", `manifest for ${familiarString(ref)} not found: ${error.message}`, {
      cause: error,
    });
  }
  return error;
}
