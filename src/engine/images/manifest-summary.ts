// What an image is made of, as `docker image ls --tree` and `inspect` show it: its manifest, or of an index all that it
// names, with what is here of each.

import type { ImageManifestSummary } from "../../api/types/image.ts";
import { isDigest } from "../../base/digest.ts";
import type { ImageConfigFile } from "../../image/config.ts";
import { annotationKeys, type Descriptor } from "../../image/descriptor.ts";
import { isAttestation, parseManifest } from "../../image/manifest.ts";
import type { ImageRow } from "../../state/images.ts";
import { type ImageContext, usersOf } from "./context.ts";
import type { ImageUser } from "./contract.ts";
import { manifestOf } from "./manifest-of.ts";
import type { ImageShelf } from "./shelf.ts";

/** @param index The index by which the image is meant; undefined: the image alone. */
export async function manifestSummaries(
  context: ImageContext,
  row: ImageRow,
  config: ImageConfigFile,
  index: string | undefined,
): Promise<ImageManifestSummary[]> {
  const { shelf } = context;
  const entries = index === undefined ? undefined : await entriesOf(shelf, index);
  if (index === undefined || entries === undefined) return [await ofImage(context, row, config)];
  const members = new Map(shelf.table.indexes.members(index).map(({ manifest, image }) => [manifest, image]));
  const summaries: ImageManifestSummary[] = [];
  for (const entry of entries) {
    const member = shelf.table.get(members.get(entry.digest) ?? "");
    if (member !== null) summaries.push(await ofImage(context, member, await shelf.config(member.id)));
    else if (isAttestation(entry)) summaries.push(await ofAttestation(shelf, entry));
    else summaries.push(unknown(entry));
  }
  return summaries;
}

async function entriesOf(shelf: ImageShelf, index: string): Promise<readonly Descriptor[] | undefined> {
  if (!isDigest(index)) return undefined;
  const document = parseManifest(await shelf.content.read(index));
  return document.kind === "index" ? document.manifests : undefined;
}

export const isContainer = ({ mountedAt }: ImageUser) => mountedAt === undefined;

async function ofImage(context: ImageContext, row: ImageRow, config: ImageConfigFile): Promise<ImageManifestSummary> {
  const { descriptor, config: configPart, layers } = await manifestOf(context.shelf, row);
  const platform = {
    architecture: config.architecture,
    os: config.os,
    ...(config.variant === undefined ? {} : { variant: config.variant }),
  };
  const content = layers.reduce((sum, layer) => sum + layer.size, descriptor.size + configPart.size);
  return {
    ID: descriptor.digest,
    Descriptor: { ...slim(descriptor), platform },
    Available: true,
    Size: { Total: content + row.size, Content: content },
    Kind: "image",
    ImageData: {
      Platform: platform,
      Containers: usersOf(context, row.id)
        .filter(isContainer)
        .map((user) => user.id),
      Size: { Unpacked: row.size },
    },
  };
}

async function ofAttestation(shelf: ImageShelf, entry: Descriptor): Promise<ImageManifestSummary> {
  let size = 0;
  const here = (await shelf.content.size(entry.digest)) !== undefined;
  if (here) {
    const manifest = parseManifest(await shelf.content.read(entry.digest));
    const parts = manifest.kind === "manifest" ? [manifest.config, ...manifest.layers] : [];
    size = parts.reduce((sum, part) => sum + part.size, entry.size);
  }
  return {
    ...unknown(entry),
    Available: here,
    Size: { Total: size, Content: size },
    Kind: "attestation",
    AttestationData: { For: entry.annotations?.[annotationKeys.referenceDigest] ?? "" },
  };
}

/** Of another platform, whose image is not here. */
function unknown(entry: Descriptor): ImageManifestSummary {
  const { platform } = entry;
  return {
    ID: entry.digest,
    Descriptor: { ...slim(entry), ...(platform === undefined ? {} : { platform }) },
    Available: false,
    Size: { Total: 0, Content: 0 },
    Kind: "unknown",
  };
}

export function slim({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
