// A blob to a registry: not sent when it is there, mounted when another repository of that registry has it, else sent
// in parts, each of which may be tried again after a broken connection from where the registry stands.

import { open } from "node:fs/promises";
import type { Digest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { HANDOVER_HEADER, handoverProof } from "../handover.ts";
import type { Repository } from "./repository.ts";

export interface UploadOptions {
  readonly signal: AbortSignal;
  readonly attempts: number;
  readonly onProgress: (sent: number) => void;
  /** Repositories of the same registry that may have it, likeliest first. */
  readonly mountFrom: readonly string[];
  /** Lets a registry of this host take the blob from our content store (handover.ts). */
  readonly handover?: Uint8Array | undefined;
}

export type Uploaded =
  | { readonly how: "there" }
  | { readonly how: "sent" }
  | { readonly how: "handed over" }
  | { readonly how: "mounted"; readonly from: string };

/** Large parts keep the number of round trips small; they are read while they are sent. */
const PART = 16 * 1024 * 1024;

/** @param path The blob's bytes; `size` of them. */
export async function upload(
  repository: Repository,
  blob: { readonly digest: Digest; readonly size: number },
  path: string,
  options: UploadOptions,
): Promise<Uploaded> {
  const { signal } = options;
  if (await repository.blobExists(blob.digest, signal)) return { how: "there" };
  let url: string | undefined;
  for (const from of options.mountFrom.slice(0, 3)) {
    url = await repository.startUpload({ digest: blob.digest, from }, signal);
    if (url === undefined) return { how: "mounted", from };
  }
  const key = repository.local ? options.handover : undefined;
  const proof: Record<string, string> =
    key === undefined ? {} : { [HANDOVER_HEADER]: handoverProof(key, repository.path, blob.digest) };
  url ??= await repository.startUpload(undefined, signal, proof);
  if (url === undefined) return { how: "handed over" };
  await using file = await open(path, "r");
  let offset = 0;
  for (let failures = 0; offset < blob.size; ) {
    const size = Math.min(PART, blob.size - offset);
    try {
      url = await repository.uploadPart(url, file, offset, size, signal);
      offset += size;
      failures = 0;
      options.onProgress(offset);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoyError) || error.code !== "unavailable" || ++failures >= options.attempts) throw error;
      ({ offset, url } = await repository.uploadStatus(url, signal));
    }
  }
  await repository.finishUpload(url, blob.digest, signal);
  return { how: "sent" };
}
