// The images' side of the API's contract: each verb is a file beside this one.

import type {
  CommitOptions,
  Filters,
  ImageBackend,
  ImageListOptions,
  ImagePullOptions,
  ImagePushOptions,
  ImportOptions,
  RegistryAuth,
} from "../../api/backend.ts";
import type { DistributionInspect } from "../../api/types/image.ts";
import type { RegistrySettings } from "../../base/settings.ts";
import { userAgent } from "../../base/version.ts";
import type { Reference } from "../../image/reference.ts";
import { Repository } from "../../registry/client/repository.ts";
import { commitImage } from "./commit.ts";
import type { ImageContext } from "./context.ts";
import { diffImages } from "./diff.ts";
import { inspectDistribution } from "./distribution.ts";
import { collectImages, type ImagePolicy } from "./gc.ts";
import { imageHistory } from "./history.ts";
import { importImage } from "./import.ts";
import { inspectImage } from "./inspect.ts";
import { listImages } from "./list.ts";
import { loadImages } from "./load.ts";
import type { ImageMounts } from "./mounts.ts";
import { pruneImages } from "./prune.ts";
import { Puller } from "./pull/pull.ts";
import { Pusher } from "./push/push.ts";
import { removeImage } from "./remove.ts";
import { saveImages } from "./save.ts";
import { type SearchImagesOptions, searchImages } from "./search.ts";
import { tagImage } from "./tag.ts";
import { verifyImage } from "./verify.ts";

export class Images implements ImageBackend {
  readonly #context: ImageContext;
  readonly #puller: Puller;
  readonly #pusher: Pusher;
  readonly #registry: () => RegistrySettings;
  readonly #mounts: ImageMounts;

  /** `registry` is asked each time: the settings may be reloaded. */
  constructor(context: ImageContext, registry: () => RegistrySettings, mounts: ImageMounts) {
    this.#context = context;
    this.#mounts = mounts;
    this.#registry = registry;
    this.#puller = new Puller(context, registry);
    this.#pusher = new Pusher(context, registry);
  }

  list(options: ImageListOptions) {
    return listImages(this.#context, options);
  }

  inspect(ref: string, options: { manifests: boolean; platform: string | undefined }) {
    return inspectImage(this.#context, ref, options);
  }

  history(ref: string, platform: string | undefined) {
    return imageHistory(this.#context, ref, platform);
  }

  tag(ref: string, repo: string, tag: string | undefined) {
    return tagImage(this.#context, ref, repo, tag);
  }

  async remove(ref: string, options: { force: boolean; prune: boolean }) {
    return (await removeImage(this.#context, ref, options)).items;
  }

  prune(filters: Filters) {
    return pruneImages(this.#context, filters);
  }

  async collect(policy: ImagePolicy, dryRun: boolean) {
    const collected = await collectImages(this.#context, policy, dryRun);
    if (!dryRun) await this.#context.shelf.sweep();
    return collected;
  }

  verify(ref: string, signal: AbortSignal) {
    return verifyImage(this.#context, ref, signal);
  }

  diff(from: string, to: string, signal: AbortSignal) {
    return diffImages(this.#context, from, to, signal);
  }

  mount(ref: string, path: string | undefined) {
    return this.#mounts.mount(ref, path);
  }

  unmount(what: string, force: boolean) {
    return this.#mounts.unmount(what, force);
  }

  mounts() {
    return this.#mounts.list();
  }

  import(options: ImportOptions, body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    return importImage(this.#context, options, body, signal);
  }

  load(
    body: AsyncIterable<Uint8Array>,
    options: { quiet: boolean; platform: string | undefined },
    signal: AbortSignal,
  ) {
    return loadImages(this.#context, body, options, signal);
  }

  save(refs: readonly string[], options: { platform: string | undefined }, signal: AbortSignal) {
    return saveImages(this.#context, refs, options, signal);
  }

  commit(options: CommitOptions, signal: AbortSignal) {
    return commitImage(this.#context, options, signal);
  }

  pull(ref: string, options: ImagePullOptions, signal: AbortSignal) {
    return this.#puller.pull(ref, options, signal);
  }

  push(ref: string, options: ImagePushOptions, signal: AbortSignal) {
    return this.#pusher.push(ref, options, signal);
  }

  search(term: string, options: SearchImagesOptions, signal: AbortSignal) {
    return searchImages(this.#registry(), term, options, signal);
  }

  distribution(ref: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<DistributionInspect> {
    const settings = this.#registry();
    const open = ({ domain, path }: Reference) => new Repository({ domain, path, auth, settings, userAgent });
    return inspectDistribution(open, ref, signal);
  }
}
