// The root of a container's files: of a running one through /proc/PID/root, with everything that is mounted in it; of
// one that is down an overlay that only we hold, for as long as we hold it.

import { HoyError } from "../../base/error.ts";
import { AT } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";
import type { IdMap } from "../../runtime/contract.ts";
import { openContainerTree } from "../../storage/tree/container-tree.ts";
import { type IdShift, NO_SHIFT } from "../../storage/tree/ids.ts";
import { writeLayerTar } from "../../storage/tree/layer-tar.ts";
import type { ContainerSource } from "../images/contract.ts";
import { enginesOwn } from "./mount-points.ts";

export interface OpenTree extends Disposable {
  /** Descriptor of the root directory. */
  readonly root: number;
  readonly shift: IdShift;
  readonly running: boolean;
}

/**
 * Opens the container's root. While it is open a container that is down can't be started: two overlays on one upper
 * directory would corrupt it.
 */
export async function openTree(source: ContainerSource): Promise<OpenTree> {
  const { pid, release } = await source.hold();
  try {
    const root = pid === undefined ? openContainerTree(source) : openRunning(source.id, pid);
    const shift = pid === undefined ? NO_SHIFT : shiftOf(source.idMap);
    // What runs needs no hold: its tree stays whole while we have it open, whatever becomes of the container.
    if (pid !== undefined) release();
    return {
      root: root.fd,
      shift,
      running: pid !== undefined,
      [Symbol.dispose]() {
        root[Symbol.dispose]();
        if (pid === undefined) release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** What the container changed, as a layer; what only the engine put into its upper directory is left out. */
export function changesTar(source: ContainerSource, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return writeLayerTar(source.upper, { omit: enginesOwn(source), signal });
}

function openRunning(id: string, pid: number): OwnedFd {
  try {
    return new OwnedFd(openat2(AT.FDCWD, `/proc/${pid}/root`, { flags: O.RDONLY | O.DIRECTORY }));
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ESRCH")) throw error;
    throw new HoyError("conflict", `container ${id} has just stopped`, { cause: error, hint: "try again" });
  }
}

/** Owners of a running container's files show as its user namespace's block of ids. */
function shiftOf(map: IdMap | undefined): IdShift {
  const [uids] = map?.uids ?? [];
  const [gids] = map?.gids ?? [];
  if (uids === undefined || gids === undefined) return NO_SHIFT;
  return { uidBase: uids.host, gidBase: gids.host, size: Math.min(uids.size, gids.size) };
}
