// From what a user typed to an image: a name wins over the beginning of an id, as Docker decides it.

import { HoyError } from "../../base/error.ts";
import type { ImageConfigFile } from "../../image/config.ts";
import { formatPlatform, type Platform, platformRank } from "../../image/platform.ts";
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

/** @throws HoyError "not-found" `No such image: foo:latest`, "invalid" for a bad reference. */
export function findImage(table: ImageTable, text: string): ImageRow {
  const hex = imageIdentifier(text);
  if (hex !== undefined) {
    const row = table.get(`sha256:${hex}`) ?? table.byManifest(`sha256:${hex}`);
    if (row === null) throw noSuchImage(`sha256:${hex}`);
    return row;
  }
  const ref = withDefaultTag(parseReference(text));
  // With a digest the tag says nothing more.
  const name = ref.digest === undefined ? canonicalString(ref) : `${repositoryName(ref)}@${ref.digest}`;
  const named = table.byName(name);
  const found = named ?? byPrefix(table, text);
  const row = found === undefined ? null : table.get(found);
  if (row === null) throw noSuchImage(familiarString(ref));
  return row;
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
