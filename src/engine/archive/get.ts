// GET of a container's archive: a file, link or directory as a tar whose top is called as the path's last part.

import type { PathStat } from "../../api/backend.ts";
import { treeTar } from "../../storage/tree/tree-tar.ts";
import { closing } from "../closing.ts";
import type { ContainerSource } from "../images/contract.ts";
import { locate } from "./locate.ts";
import { describe, goBase } from "./stat.ts";
import { openTree } from "./tree.ts";

/** The stream must be read to its end or closed: a container that is down can't be started meanwhile. */
export async function getArchive(
  source: ContainerSource,
  typed: string,
  signal: AbortSignal,
): Promise<{ stat: PathStat; tar: AsyncIterable<Uint8Array> }> {
  using opening = new DisposableStack();
  const tree = opening.use(await openTree(source));
  const place = opening.use(locate(source, tree, typed, false));
  const stat = describe(place, typed);
  const tar = treeTar(place.root, place.path, {
    as: goBase(typed),
    follow: place.path.endsWith("/"),
    shift: tree.shift,
    signal,
  });
  const owned = opening.move();
  return { stat, tar: closing(tar, owned, signal) };
}
