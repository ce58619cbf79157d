// What an engine gives its peers: documents and blobs that it holds whole, each of which was checked against its digest
// when it came. Contract between the server beside this and the engine's images.

import type { Digest } from "../../base/digest.ts";
import type { Coming } from "../client/under-way.ts";

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

  /** The file of a blob of an image that peers may have, or that is being pulled; bytes never change while it is there. */
  blob(digest: Digest): Promise<string | undefined>;

  /**
   * Of a blob that is not here: whether it is just being fetched, for a repository that peers may have.
   * @param asker What the peer says of itself.
   */
  coming(name: string, digest: Digest, asker: Coming | undefined): Coming | undefined;
}
