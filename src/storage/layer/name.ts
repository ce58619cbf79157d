// Names in a layer's archive: made clean (absolute ones are taken as relative, "." and empty parts vanish, ".." is
// refused), and whiteouts told from files (OCI image spec, layer.md#whiteouts).

import { badArchive, type RawText, rawToText } from "../tar/entry.ts";

/** Linux's NAME_MAX. */
const NAME_MAX = 255;
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** AUFS kept its own files under such names (".wh..wh.plnk"); old images still have them, and they mean nothing. */
const RESERVED = ".wh..wh.";

/** What an entry of a layer is about. */
export type LayerName =
  | { readonly kind: "node"; readonly path: readonly RawText[] }
  /** Hides `path` of the layers below. */
  | { readonly kind: "whiteout"; readonly path: readonly RawText[] }
  /** Hides all that the layers below have in the directory `path`. */
  | { readonly kind: "opaque"; readonly path: readonly RawText[] }
  | { readonly kind: "ignored" };

/** The parts of a path; none for the root itself. @throws HoyError "invalid" for "..", and for parts over 255 bytes. */
export function cleanName(name: RawText): RawText[] {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  for (const part of parts) {
    if (part === "..") throw badArchive(`name with "..": ${JSON.stringify(rawToText(name))}`);
    if (part.length > NAME_MAX)
      throw badArchive(`name longer than ${NAME_MAX} bytes: ${rawToText(part.slice(0, 40))}…`);
  }
  return parts;
}

export function layerName(name: RawText): LayerName {
  const path = cleanName(name);
  const last = path.at(-1);
  if (last === undefined || !name.includes(WHITEOUT)) return { kind: "node", path };
  const parents = path.slice(0, -1);
  if (last === OPAQUE) return { kind: "opaque", path: checkParents(parents, name) };
  if (path.some((part) => part.startsWith(RESERVED))) return { kind: "ignored" };
  checkParents(parents, name);
  if (!last.startsWith(WHITEOUT)) return { kind: "node", path };
  const hidden = last.slice(WHITEOUT.length);
  if (hidden === "" || hidden === "." || hidden === "..") throw badArchive(`bad whiteout ${rawToText(name)}`);
  return { kind: "whiteout", path: [...parents, hidden] };
}

/** A whiteout is no directory, so nothing can be in one. */
function checkParents(parents: readonly RawText[], name: RawText): readonly RawText[] {
  if (parents.some((part) => part.startsWith(WHITEOUT))) throw badArchive(`name inside a whiteout: ${rawToText(name)}`);
  return parents;
}
