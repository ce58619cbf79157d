// Attestations of an image as BuildKit keeps them (docs/attestations/attestation-storage.md): in-toto statements as the
// layers of a manifest of an unknown platform, which the index names beside the image's own, pointing to it.

import { HoyError } from "../../../../base/error.ts";
import type { Descriptor } from "../../../../image/descriptor.ts";
import { mediaTypes } from "../../../../image/media-types.ts";
import type { StoredBlob } from "../../../content/place.ts";
import type { LayerSession } from "../../../needs.ts";
import { type Document, documentOf } from "./document.ts";

export interface Statement {
  /** "https://slsa.dev/provenance/v1" */
  readonly predicateType: string;
  readonly predicate: object;
  /** Names of the image, as package URLs. */
  readonly subjects: readonly string[];
}

const STATEMENT = "https://in-toto.io/Statement/v0.1";
/** BuildKit reads no larger one. */
const LIMIT = 64 * 1024 * 1024;

export async function attestationManifest(
  statements: readonly Statement[],
  image: Descriptor,
  layers: LayerSession,
): Promise<{ readonly manifest: Document; readonly entry: Descriptor; readonly blobs: readonly StoredBlob[] }> {
  const blobs: StoredBlob[] = [];
  const named: Descriptor[] = [];
  for (const { predicateType, predicate, subjects } of statements) {
    const sha256 = image.digest.slice("sha256:".length);
    const subject = (subjects.length === 0 ? ["_"] : subjects).map((name) => ({ name, digest: { sha256 } }));
    const bytes = Buffer.from(JSON.stringify({ _type: STATEMENT, predicateType, subject, predicate }));
    if (bytes.length > LIMIT) throw new HoyError("too-large", `an attestation of ${bytes.length} bytes`);
    const blob = await layers.put(bytes, mediaTypes.inToto);
    blobs.push(blob);
    named.push({ ...blob.descriptor, annotations: { "in-toto.io/predicate-type": predicateType } });
  }
  const config = await layers.put(
    Buffer.from(
      JSON.stringify({
        architecture: "unknown",
        os: "unknown",
        config: {},
        rootfs: { type: "layers", diff_ids: named.map(({ digest }) => digest) },
      }),
    ),
    mediaTypes.ociConfig,
  );
  blobs.push(config);
  const manifest = documentOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: config.descriptor,
    layers: named,
  });
  const entry: Descriptor = {
    ...manifest.descriptor,
    annotations: {
      "vnd.docker.reference.digest": image.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    },
    platform: { architecture: "unknown", os: "unknown" },
  };
  return { manifest, entry, blobs };
}
