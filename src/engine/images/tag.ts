// `image tag`: another name for an image; an image that had the name loses it.

import { HoyError } from "../../base/error.ts";
import {
  canonicalString,
  familiarName,
  familiarString,
  parseReference,
  type Reference,
  withDefaultTag,
  withTag,
} from "../../image/reference.ts";
import { emitImage, type ImageContext } from "./context.ts";
import { isIdPrefix } from "./resolve.ts";

export async function tagImage(
  context: ImageContext,
  ref: string,
  repo: string,
  tag: string | undefined,
): Promise<void> {
  const name = repositoryAndTag(repo, tag);
  if (name === undefined) throw new HoyError("invalid", "invalid reference format: the repository is empty");
  const { shelf } = context;
  const { id } = shelf.find(ref);
  await nameImage(context, id, name);
  // By its own id it is that image alone.
  if (!isIdPrefix(id, ref)) shelf.table.indexes.copy(canonicalString(name), shelf.indexOf(ref));
}

export async function nameImage(context: ImageContext, id: string, name: Reference): Promise<void> {
  context.shelf.setName(canonicalString(name), id);
  await emitImage(context, "tag", id, familiarString(name));
}

/**
 * The API's `repo` and `tag`, which import, commit and tag have; undefined when no repository is given.
 * @throws HoyError "invalid"
 */
export function repositoryAndTag(repo: string | undefined, tag: string | undefined): Reference | undefined {
  if (repo === undefined || repo === "") return undefined;
  const ref = parseReference(repo);
  if (ref.digest !== undefined) throw new HoyError("invalid", "cannot import digest reference");
  if (familiarName(ref) === "sha256") {
    throw new HoyError("invalid", "refusing to create an ambiguous tag using digest algorithm as name");
  }
  return tag === undefined || tag === "" ? withDefaultTag(ref) : withTag(ref, tag);
}
