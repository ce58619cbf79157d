// A volume's files without a container: stat, get and put, as of a container's archive. Ids are those on disk.

import type { ArchivePutOptions, PathStat } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2, openInRoot } from "../../linux/open.ts";
import { fdstat, S } from "../../linux/stat.ts";
import { decompress } from "../../storage/decompress.ts";
import { extractTar } from "../../storage/tree/extract.ts";
import { NO_SHIFT } from "../../storage/tree/ids.ts";
import { treeTar } from "../../storage/tree/tree-tar.ts";
import { locate } from "../archive/locate.ts";
import { describe, goBase } from "../archive/stat.ts";
import { closing } from "../closing.ts";
import type { VolumeStore } from "./store.ts";

export function volumeStat(store: VolumeStore, name: string, path: string): Promise<PathStat> {
  return inVolume(name, path, async () => {
    await using volume = await openVolume(store, name);
    using place = locate(NO_MOUNTS, volume, path, false);
    return describe(place, path);
  });
}

/** The stream must be read to its end or closed: the volume stays mounted meanwhile. */
export function volumeGet(store: VolumeStore, name: string, path: string, signal: AbortSignal) {
  return inVolume(name, path, async () => {
    await using opening = new AsyncDisposableStack();
    const volume = opening.use(await openVolume(store, name));
    const place = opening.use(locate(NO_MOUNTS, volume, path, false));
    const stat = describe(place, path);
    const as = goBase(path);
    const tar = treeTar(place.root, place.path, { as, follow: place.path.endsWith("/"), shift: NO_SHIFT, signal });
    return { stat, tar: closing(tar, opening.move(), signal) };
  });
}

/** `copyUidGid` says nothing here: a volume has no user. */
export function volumePut(
  store: VolumeStore,
  name: string,
  options: ArchivePutOptions,
  tar: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  return inVolume(name, options.path, async () => {
    await using volume = await openVolume(store, name);
    using place = locate(NO_MOUNTS, volume, options.path, true);
    using directory = new OwnedFd(openInRoot(place.root, place.path.replace(/\/$/, "") || "/", O.PATH));
    if ((fdstat(directory.fd).mode & S.IFMT) !== S.IFDIR) {
      throw new HoyError("invalid", "extraction point is not a directory");
    }
    await extractTar(place.root, place.path, decompress(tar, { signal }), {
      noOverwriteDirNonDir: options.noOverwriteDirNonDir,
      owner: undefined,
      shift: NO_SHIFT,
      signal,
    });
  });
}

const NO_MOUNTS = { mounts: [] };

/** The volume's top directory, mounted until this is disposed of. */
async function openVolume(store: VolumeStore, name: string) {
  const user = `copy-${newId()}`;
  await store.use(name, user);
  try {
    const root = new OwnedFd(openat2(-100, store.dataPath(name), { flags: O.RDONLY | O.DIRECTORY }));
    return {
      root: root.fd,
      running: true,
      async [Symbol.asyncDispose]() {
        root[Symbol.dispose]();
        await store.unuse(name, user);
      },
    };
  } catch (error) {
    await store.unuse(name, user);
    throw error;
  }
}

async function inVolume<T>(name: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (isErrno(cause, "ENOENT", "ENOTDIR")) {
      throw new HoyError("not-found", `Could not find the file ${path} in volume ${name}`, { cause });
    }
    if (isErrno(cause, "EROFS")) throw new HoyError("forbidden", `volume ${name} is read-only`, { cause });
    if (isErrno(cause, "ELOOP", "ENAMETOOLONG", "EINVAL")) {
      throw new HoyError("invalid", `${path} is not a usable path`, { cause });
    }
    throw cause;
  }
}
