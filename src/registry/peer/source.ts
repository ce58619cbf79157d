// What an engine gives its peers: documents and blobs that it holds whole, each of which was checked against its digest
// when it came. Contract between the server beside this and the engine's images.

import type { Digest } from "../../base/digest.ts";

export interface PeerDocument {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export interface PeerSource {
  /**
   * @param name With its registry: "docker.io/library/busybox". @param reference A tag or a digest.
   * @returns undefined for what is not here, or not for peers.
   */
  manifest(name: string, reference: string): Promise<PeerDocument | undefined>;

  /** The file of a blob of an image that peers may have; bytes never change while it is there. */
  blob(digest: Digest): Promise<string | undefined>;
}
