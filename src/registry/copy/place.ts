// Copying images between places without an engine: registries, OCI layouts, archives, and engines by their archives.
// A place is read through `CopySource` and written through `CopySink`; manifests pass as the bytes they are, so digests
// stay. Every blob is a file on its way, checked against its digest before a sink sees it.

import { type Digest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { isAttestation, type Manifest, parseManifest } from "../../image/manifest.ts";
import { formatPlatform, hostPlatform, type Platform, platformRank } from "../../image/platform.ts";

export interface CopySource extends AsyncDisposable {
  /** The manifest or index that is meant. @throws "not-found" */
  top(signal: AbortSignal): Promise<Uint8Array>;
  manifest(digest: Digest, signal: AbortSignal): Promise<Uint8Array>;
  /** The blob as a file that was checked; it stays until it is disposed of. */
  blob(blob: Pick<Descriptor, "digest" | "size">, signal: AbortSignal): Promise<CopyFile>;
}

export interface CopyFile extends AsyncDisposable {
  readonly path: string;
}

export interface CopySink extends AsyncDisposable {
  /** Whether it can hold an index with all its images. */
  readonly takesIndex: boolean;
  has(digest: Digest, signal: AbortSignal): Promise<boolean>;
  put(blob: Descriptor, path: string, signal: AbortSignal): Promise<void>;
  /** @param top It is what the copy is called. All that it names is there by now. */
  putManifest(bytes: Uint8Array, mediaType: string, top: boolean, signal: AbortSignal): Promise<void>;
  /** Makes what was put visible, where that is not so yet. */
  finish(signal: AbortSignal): Promise<void>;
}

export interface CopyOptions {
  /** The image for it alone; undefined: the index as it is, and where only one image can be held that for this machine. */
  readonly platform: Platform | undefined;
  /** The whole index or nothing. */
  readonly all: boolean;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

const AT_ONCE = 3;

/** @returns the digest of what was copied. */
export async function copyImage(source: CopySource, sink: CopySink, options: CopyOptions): Promise<Digest> {
  const { all, signal, platform } = options;
  let bytes = await source.top(signal);
  let document = parseManifest(bytes);
  const whole = platform === undefined && (all || sink.takesIndex);
  if (document.kind === "index" && !whole) {
    bytes = await source.manifest(choose(document.manifests, platform ?? hostPlatform).digest, signal);
    document = parseManifest(bytes);
  }
  if (document.kind === "manifest") {
    await copyBlobs(source, sink, document, options);
  } else {
    if (!sink.takesIndex)
      throw new HoyError("invalid", "an archive of docker, or an engine, takes one image: leave --all out");
    for (const { digest } of document.manifests) {
      const child = await source.manifest(digest, signal);
      const manifest = parseManifest(child);
      if (manifest.kind !== "manifest") throw new HoyError("invalid", "the index leads to another index");
      await copyBlobs(source, sink, manifest, options);
      await sink.putManifest(child, manifest.mediaType, false, signal);
    }
  }
  await sink.putManifest(bytes, document.mediaType, true, signal);
  await sink.finish(signal);
  return sha256(bytes);
}

async function copyBlobs(source: CopySource, sink: CopySink, manifest: Manifest, options: CopyOptions): Promise<void> {
  const todo = new Map([...manifest.layers, manifest.config].map((blob) => [blob.digest, blob]));
  const queue = [...todo.values()];
  const worker = async () => {
    for (let blob = queue.shift(); blob !== undefined; blob = queue.shift()) {
      if (await sink.has(blob.digest, options.signal)) {
        options.say(`${blob.digest} is there`);
        continue;
      }
      await using file = await source.blob(blob, options.signal);
      await sink.put(blob, file.path, options.signal);
      options.say(`${blob.digest} copied`);
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

function choose(entries: readonly Descriptor[], platform: Platform): Descriptor {
  const ranked = entries.flatMap((entry) => {
    const rank = entry.platform === undefined ? Number.MAX_SAFE_INTEGER : platformRank(platform, entry.platform);
    return rank === undefined || isAttestation(entry) ? [] : [{ entry, rank }];
  });
  const [best] = ranked.toSorted((a, b) => a.rank - b.rank);
  if (best !== undefined) return best.entry;
  throw new HoyError("not-found", `no matching manifest for ${formatPlatform(platform)} in the manifest list entries`);
}
