// From what a user typed to an image: a name wins over the beginning of an id, as Docker decides it.

import { HoyError } from "../../base/error.ts";
import type { ImageConfigFile } from "../../image/config.ts";
import { formatPlatform, type Platform, parsePlatform, platformRank } from "../../image/platform.ts";
import {
  canonicalString,
  familiarString,
  identifierPrefix,
  imageIdentifier,
  parseReference,
  repositoryName,
  withDefaultTag,
} from "../../image/reference.ts";
import type { ImageRow, ImageTable } from "../../state/images.ts";

/**
 * @param platform Of a name for several platforms, the image that fits it best; the named one where none does.
 * @throws HoyError "not-found" `No such image: foo:latest`, "invalid" for a bad reference.
 */
export function findImage(table: ImageTable, text: string, platform?: Platform): ImageRow {
  const hex = imageIdentifier(text);
  if (hex !== undefined) {
    const digest = `sha256:${hex}`;
    const row = table.get(digest) ?? table.byManifest(digest) ?? table.get(table.indexes.imageOf(digest) ?? "");
    if (row === null) throw noSuchImage(digest);
    // An image's own digests mean that image.
    return row.id === digest || row.manifest === digest ? row : fitting(table, row, digest, platform);
  }
  const ref = withDefaultTag(parseReference(text));
  // With a digest the tag says nothing more.
  const name = ref.digest === undefined ? canonicalString(ref) : `${repositoryName(ref)}@${ref.digest}`;
  const named = table.byName(name);
  const found = named ?? byPrefix(table, text);
  const row = found === undefined ? null : table.get(found);
  if (row === null) throw noSuchImage(familiarString(ref));
  return named === undefined ? row : fitting(table, row, table.indexes.of(name), platform);
}

/** Digest of the index that a name stands for, or that is given itself. */
export function indexOf(table: ImageTable, text: string): string | undefined {
  const hex = imageIdentifier(text);
  if (hex !== undefined) return table.indexes.imageOf(`sha256:${hex}`) === undefined ? undefined : `sha256:${hex}`;
  const ref = withDefaultTag(parseReference(text));
  return table.indexes.of(ref.digest === undefined ? canonicalString(ref) : `${repositoryName(ref)}@${ref.digest}`);
}

function fitting(
  table: ImageTable,
  row: ImageRow,
  index: string | undefined,
  platform: Platform | undefined,
): ImageRow {
  if (index === undefined || platform === undefined) return row;
  const best = table.indexes
    .members(index)
    .flatMap((member) => {
      const rank = platformRank(platform, parsePlatform(member.platform));
      return rank === undefined ? [] : [{ member, rank }];
    })
    .sort((a, b) => a.rank - b.rank)[0];
  return best === undefined ? row : (table.get(best.member.image) ?? row);
}

/** @throws HoyError "not-found" when the image is for another platform than the wanted one. */
export function checkPlatform(ref: string, wanted: Platform, config: ImageConfigFile): void {
  const have: Platform = { os: config.os, architecture: config.architecture, variant: config.variant };
  if (platformRank(wanted, have) !== undefined) return;
  throw new HoyError(
    "not-found",
    `image with reference ${ref} was found but its platform (${formatPlatform(have)}) does not match the specified platform (${formatPlatform(wanted)})`,
  );
}

/** Whether the text is how an image's id begins, with or without "sha256:"; Docker then takes it as an id. */
export function isIdPrefix(id: string, text: string): boolean {
  return id.startsWith(text) || id.slice("sha256:".length).startsWith(text);
}

function byPrefix(table: ImageTable, text: string): string | undefined {
  const prefix = identifierPrefix(text);
  if (prefix === undefined) return undefined;
  const [id, another] = table.byPrefix(prefix);
  return another === undefined ? id : undefined;
}

function noSuchImage(name: string): HoyError {
  return new HoyError("not-found", `No such image: ${name}`);
}
