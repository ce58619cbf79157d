// Opening a tree of layers, and reading one file of it.

import type { Digest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { isErrno } from "../../../linux/libc.ts";
import { O, OwnedFd, openInRoot } from "../../../linux/open.ts";
import { fdstat, S } from "../../../linux/stat.ts";
import { openContainerTree } from "../../../storage/tree/container-tree.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import type { Layers } from "../../needs.ts";
import { readFrom } from "./data.ts";

/** The root of a tree, read-only; the caller closes it. */
export async function openLayers(layers: Pick<Layers, "mount">, diffIds: readonly Digest[]): Promise<OwnedFd> {
  return openContainerTree({ lowers: await layers.mount(diffIds) });
}

/** A file of a tree, links followed inside of it; undefined when there is none. @throws HoyError "too-large". */
export async function readTreeFile(
  layers: Pick<Layers, "mount">,
  diffIds: readonly Digest[],
  path: string,
  limit: number,
): Promise<Uint8Array | undefined> {
  using root = await openLayers(layers, diffIds);
  using found = openFile(root, path);
  if (found === undefined) return undefined;
  const { mode, size } = fdstat(found.fd);
  if ((mode & S.IFMT) !== S.IFREG) return undefined;
  if (size > limit) throw new HoyError("too-large", `${path} is larger than ${limit} bytes`);
  using file = new OwnedFd(reopen(found.fd, O.RDONLY));
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFrom(file.fd, 0, size, new AbortController().signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function openFile(root: OwnedFd, path: string): OwnedFd | undefined {
  try {
    return new OwnedFd(openInRoot(root.fd, path, O.PATH));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}
