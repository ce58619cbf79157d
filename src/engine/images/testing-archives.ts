// For the tests beside: image archives as other programs write them, built in memory.

import { digestHex, sha256 } from "../../base/digest.ts";
import { writeConfig } from "../../image/config.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { tar } from "./testing.ts";

export type Files = Record<string, string | Uint8Array>;
export const json = (value: unknown) => JSON.stringify(value);
export const blob = (bytes: string | Uint8Array) => `blobs/sha256/${digestHex(sha256(bytes))}`;

export function config(layers: readonly Uint8Array[], more: { architecture?: string; os?: string } = {}): Uint8Array {
  return writeConfig({
    architecture: more.architecture ?? "amd64",
    os: more.os ?? "linux",
    created: "2024-01-01T00:00:00Z",
    rootfs: { type: "layers", diff_ids: layers.map(sha256) },
    config: { Cmd: ["/bin/sh"] },
  } as Parameters<typeof writeConfig>[0]);
}

/** One image as an OCI layout, its layers compressed as given. @returns its files, its manifest's descriptor and its packed layers. */
export function ociImage(layers: readonly Buffer[], compress: (data: Buffer) => Buffer, architecture = "amd64") {
  const image = config(layers, { architecture });
  const packed = layers.map(compress);
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: sha256(image), size: image.length },
    layers: packed.map((data) => ({ mediaType: mediaTypes.ociLayerGzip, digest: sha256(data), size: data.length })),
    annotations: { made: "elsewhere" },
  });
  const files: Files = { [blob(image)]: image, [blob(manifest)]: manifest };
  for (const data of packed) files[blob(data)] = data;
  const descriptor = {
    mediaType: mediaTypes.ociManifest,
    digest: sha256(manifest),
    size: manifest.length,
    platform: { os: "linux", architecture },
  };
  return { files, descriptor, id: sha256(image), layers: packed };
}

export const layout = (manifests: unknown[]): Files => ({
  "oci-layout": json({ imageLayoutVersion: "1.0.0" }),
  "index.json": json({ schemaVersion: 2, manifests }),
});

export const LAYER = tar({ "etc/motd": "hello" });

/** An archive as `docker save` wrote before Docker 25. */
export function oldArchive(tags: string[] | null = ["app:v1"]): Files {
  const image = config([LAYER]);
  return {
    "abc/layer.tar": LAYER,
    [`${digestHex(sha256(image))}.json`]: image,
    "manifest.json": json([{ Config: `${digestHex(sha256(image))}.json`, RepoTags: tags, Layers: ["abc/layer.tar"] }]),
  };
}
