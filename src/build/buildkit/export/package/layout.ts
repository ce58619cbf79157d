// A package as an OCI layout in one tar (image-spec, image-layout.md), under its names.

import { digestHex } from "../../../../base/digest.ts";
import { annotationKeys, type Descriptor } from "../../../../image/descriptor.ts";
import { mediaTypes } from "../../../../image/media-types.ts";
import { parseReference } from "../../../../image/reference.ts";
import { archiveDirectory, archiveDocument, archiveFile } from "../../../../storage/tar/archive-entries.ts";
import { END_OF_ARCHIVE } from "../../../../storage/tar/writer.ts";
import { type Annotation, annotationsFor } from "./annotations.ts";
import type { Packaged } from "./package.ts";

/** @param names in full, with tags */
export async function* layoutTar(
  { root, blobs, manifests }: Packaged,
  names: readonly string[],
  annotations: readonly Annotation[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  yield archiveDirectory("blobs");
  yield archiveDirectory("blobs/sha256");
  for (const { descriptor, path } of blobs) yield* archiveFile(blobName(descriptor), path, signal);
  for (const { descriptor, bytes } of [...manifests, root]) yield* archiveDocument(blobName(descriptor), bytes);
  const own = annotationsFor(annotations, "index-descriptor").annotations ?? {};
  const entries: Descriptor[] = (names.length === 0 ? [undefined] : names).map((name) => {
    const called: Record<string, string> =
      name === undefined
        ? {}
        : { [annotationKeys.imageName]: name, [annotationKeys.refName]: parseReference(name).tag ?? "latest" };
    const all: Record<string, string> = { ...own, ...called };
    return { ...root.descriptor, ...(Object.keys(all).length === 0 ? {} : { annotations: all }) };
  });
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries };
  yield* archiveDocument("index.json", Buffer.from(JSON.stringify(index)));
  yield* archiveDocument("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  yield END_OF_ARCHIVE;
}

function blobName({ digest }: Descriptor): string {
  return `blobs/sha256/${digestHex(digest)}`;
}
