// The document that a manifest list is at a registry.

import type { Descriptor } from "../../../image/descriptor.ts";
import { mediaTypes } from "../../../image/media-types.ts";
import type { Member } from "./local.ts";

/** OCI's index when its members are OCI's, else Docker's list. The same members give the same bytes. */
export function listDocument(members: readonly Member[]): { mediaType: string; bytes: Uint8Array } {
  const isOci = members[0]?.descriptor.mediaType === mediaTypes.ociManifest;
  const mediaType = isOci ? mediaTypes.ociIndex : mediaTypes.dockerIndex;
  const manifests = members.map(({ descriptor }) => entry(descriptor));
  return { mediaType, bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }, undefined, 3)) };
}

function entry({ mediaType, digest, size, platform }: Descriptor) {
  return { mediaType, size, digest, platform };
}
