// Media types of what an image is made of, OCI's (image-spec, media-types.md) and Docker's schema 2, and what they mean:
// which are indexes, manifests, configs, and how a layer is compressed.

export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  inToto: "application/vnd.in-toto+json",
} as const;

export function isIndexType(type: string): boolean {
  return type === mediaTypes.ociIndex || type === mediaTypes.dockerIndex;
}

export function isManifestType(type: string): boolean {
  return type === mediaTypes.ociManifest || type === mediaTypes.dockerManifest;
}

export function isConfigType(type: string): boolean {
  return type === mediaTypes.ociConfig || type === mediaTypes.dockerConfig;
}

/** Layers as file systems, foreign and non-distributable ones included; not attestations or other artifacts. */
export function isLayerType(type: string): boolean {
  return (
    type.startsWith("application/vnd.oci.image.layer.v1.tar") ||
    type.startsWith("application/vnd.oci.image.layer.nondistributable.v1.tar") ||
    type.startsWith("application/vnd.docker.image.rootfs.")
  );
}
