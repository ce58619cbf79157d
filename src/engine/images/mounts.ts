// Images mounted on the host, for people to look into: `image mount` and `image unmount`. A mount holds its image's
// layers by a row, as a container does, and lives until it is taken away: it outlives the daemon, and comes again after
// a boot. See docs/decisions/image-mount.md for owners and rights.
//
// Row before thing: the mount is made where nobody sees it, its number is written down, and then it is moved into its
// place. So whatever a kill leaves, the next start knows by the number whether what is in that place is ours.

import { readdirSync, readlinkSync } from "node:fs";
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { ImageMount } from "../../api/backend.ts";
import { digestHex, parseDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { Keyed } from "../../base/keyed.ts";
import { log } from "../../base/log.ts";
import { type Paths, paths } from "../../base/paths.ts";
import { AT } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { attachMount, MNT, unmount } from "../../linux/mount.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";
import type { ImageMountRow, ImageMountTable } from "../../state/image-mounts.ts";
import { openImageView } from "../../storage/image-view.ts";
import { now } from "../time.ts";
import { MOUNT_USER } from "./context.ts";
import { isBeneath, mountMark } from "./mount-mark.ts";
import { isIdPrefix } from "./resolve.ts";
import type { ImageShelf } from "./shelf.ts";

export class ImageMounts {
  readonly #table: ImageMountTable;
  readonly #shelf: ImageShelf;
  readonly #paths: Paths;
  readonly #turns = new Keyed<string>();

  constructor(table: ImageMountTable, shelf: ImageShelf, where: Paths) {
    this.#table = table;
    this.#shelf = shelf;
    this.#paths = where;
  }

  /** Finishes or undoes what a dead engine had under way, and mounts again what a boot took away. */
  async recover(): Promise<void> {
    for (const row of this.#table.all()) {
      if (row.state !== "mounted") await this.#end(row, true);
      else if (!isThere(row)) await this.#again(row);
    }
    const known = new Set(this.#table.all().map(({ path }) => path));
    for (const { user } of this.#shelf.users()) {
      const path = user.startsWith(MOUNT_USER) ? user.slice(MOUNT_USER.length) : undefined;
      if (path !== undefined && !known.has(path)) await this.#shelf.release(user);
    }
    await this.#sweepOwn(known);
  }

  list(): ImageMount[] {
    return this.#table.all().map(told);
  }

  /**
   * @param path Absolute, an empty directory; undefined: one of the engine's own, the same for each call with this image.
   * @throws HoyError "not-found" without the image or the directory, "invalid", "conflict" when something is in it.
   */
  async mount(ref: string, path: string | undefined): Promise<ImageMount> {
    const { id } = this.#shelf.find(ref);
    if (path !== undefined) {
      const place = placeOf(path);
      return this.#turns.run(place, async () => {
        // Again, in our turn: another may have mounted something there meanwhile.
        using directory = openEmpty(place);
        return told(await this.#put({ path: place, image: id, name: ref, own: 0, created: now() }, directory));
      });
    }
    const own = join(paths.imageViews(this.#paths), digestHex(parseDigest(id)));
    return this.#turns.run(own, async () => {
      const row = this.#table.get(own);
      if (row !== null && isThere(row)) return told(row);
      await mkdir(paths.imageViews(this.#paths), { recursive: true, mode: 0o700 });
      await mkdir(own, { recursive: true, mode: 0o700 });
      using directory = openEmpty(own);
      return told(await this.#put({ path: own, image: id, name: ref, own: 1, created: now() }, directory));
    });
  }

  /**
   * @param what The directory (absolute), or an image: all its mounts. @param force Also while files are open in it;
   * whoever has them keeps them until they are closed.
   * @throws HoyError "not-found" when nothing is mounted, "conflict" when it is in use.
   */
  async unmount(what: string, force: boolean): Promise<ImageMount[]> {
    const chosen = this.#chosen(what);
    for (const { path } of chosen) {
      await this.#turns.run(path, async () => {
        const row = this.#table.get(path);
        if (row !== null) await this.#end(row, force);
      });
    }
    return chosen.map(told);
  }

  #chosen(what: string): ImageMountRow[] {
    const rows = this.#table.all();
    if (what.startsWith("/")) {
      const path = what.replace(/(?<=.)\/+$/, "");
      const real = isMountedAt(rows, path) ? path : realPath(path);
      const at = rows.filter((row) => row.path === real);
      if (at.length === 0) throw new HoyError("not-found", `no image is mounted at ${what}`);
      return at;
    }
    const of = rows.filter(this.#means(rows, what));
    if (of.length === 0) throw new HoyError("not-found", `the image ${what} is not mounted`);
    return of;
  }

  /** The image itself may be gone, by force; its mounts still know what it was. */
  #means(rows: readonly ImageMountRow[], what: string): (row: ImageMountRow) => boolean {
    try {
      const { id } = this.#shelf.find(what);
      return (row) => row.image === id;
    } catch (error) {
      const means = ({ image, name }: ImageMountRow) => name === what || isIdPrefix(image, what);
      if (error instanceof HoyError && error.code === "not-found" && rows.some(means)) return means;
      throw error;
    }
  }

  async #put(place: Omit<ImageMountRow, "mark" | "state">, directory: OwnedFd): Promise<ImageMountRow> {
    const user = `${MOUNT_USER}${place.path}`;
    const before = this.#table.get(place.path);
    // What was mounted here once was taken away by other hands.
    if (before !== null) await this.#forget(before);
    // Kept over a kill only with the row below.
    await this.#shelf.retain(place.image, user);
    try {
      using view = openImageView(await this.#shelf.lowersOf(user));
      const row = { ...place, mark: mountMark(view.fd, ""), state: "making" } as const;
      this.#table.put(row);
      attachMount(view.fd, ".", directory.fd);
      const mounted = { ...row, state: "mounted" } as const;
      this.#table.put(mounted);
      return mounted;
    } catch (error) {
      const row = this.#table.get(place.path);
      if (row !== null) await this.#end(row, true);
      else await this.#shelf.release(user);
      throw error;
    }
  }

  async #again(row: ImageMountRow): Promise<void> {
    const { path, own } = row;
    try {
      if (own === 1) await mkdir(path, { recursive: true, mode: 0o700 });
      using directory = openEmpty(path);
      using view = openImageView(await this.#shelf.lowersOf(`${MOUNT_USER}${path}`));
      this.#table.put({ ...row, mark: mountMark(view.fd, "") });
      attachMount(view.fd, ".", directory.fd);
      log.info("mounted an image again", { path, image: row.image });
    } catch (error) {
      log.warn("an image that was mounted before can't be mounted again, and is let go", { path, error });
      await this.#forget(row);
    }
  }

  async #end(row: ImageMountRow, force: boolean): Promise<void> {
    if (isHidden(row)) throw new HoyError("conflict", `something else is mounted over the image at ${row.path}`);
    if (isThere(row)) {
      // Else the start after a kill would take it for one that a boot took away.
      this.#table.put({ ...row, state: "ending" });
      try {
        unmount(row.path, MNT.NOFOLLOW | (force ? MNT.DETACH : 0));
      } catch (error) {
        this.#table.put(row);
        if (!isErrno(error, "EBUSY")) throw error;
        throw new HoyError(
          "conflict",
          `the image mounted at ${row.path} is in use: files or directories of it are open`,
          {
            hint: "close them, or unmount with --force",
            cause: error,
          },
        );
      }
    }
    await this.#forget(row);
  }

  /** The mount is gone. */
  async #forget(row: ImageMountRow): Promise<void> {
    this.#table.remove(row.path);
    await this.#shelf.release(`${MOUNT_USER}${row.path}`);
    if (row.own === 1) await removeDirectory(row.path);
  }

  async #sweepOwn(known: ReadonlySet<string>): Promise<void> {
    const root = paths.imageViews(this.#paths);
    let names: string[];
    try {
      names = await readdir(root);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return;
      throw error;
    }
    for (const name of names) if (!known.has(join(root, name))) await removeDirectory(join(root, name));
  }
}

function told(row: ImageMountRow): ImageMount {
  const { path, image, name, created } = row;
  return { Path: path, Id: image, Name: name, Created: created, Mounted: isThere(row) };
}

/** Ours, and not under another. */
function isThere(row: ImageMountRow): boolean {
  try {
    return mountMark(AT.FDCWD, row.path) === row.mark;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

/** Ours, under another. */
function isHidden(row: ImageMountRow): boolean {
  return !isThere(row) && isBeneath(row.mark, row.path);
}

function isMountedAt(rows: readonly ImageMountRow[], path: string): boolean {
  return rows.some((row) => row.path === path);
}

/** The directory's own name: what the row and the kernel's table call it. */
function placeOf(path: string): string {
  if (!path.startsWith("/") || path.includes("\0")) {
    throw new HoyError("invalid", `${JSON.stringify(path)} is not an absolute path`);
  }
  using directory = openDirectory(path);
  return readlinkSync(`/proc/self/fd/${directory.fd}`);
}

function realPath(path: string): string {
  try {
    return placeOf(path);
  } catch (error) {
    if (error instanceof HoyError) return path;
    throw error;
  }
}

function openDirectory(path: string): OwnedFd {
  try {
    return new OwnedFd(openat2(AT.FDCWD, path, { flags: O.RDONLY | O.DIRECTORY }));
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENAMETOOLONG")) throw error;
    throw new HoyError("not-found", `there is no directory ${path} on the engine's host`, { cause: error });
  }
}

/** Where files are, a mount would hide them: most often a mistake. */
function openEmpty(path: string): OwnedFd {
  const directory = openDirectory(path);
  try {
    if (readdirSync(`/proc/self/fd/${directory.fd}`).length > 0) {
      throw new HoyError("conflict", `the directory ${path} is not empty`, { hint: "make a new one for the mount" });
    }
    return directory;
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
}

async function removeDirectory(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "EBUSY", "ENOTEMPTY")) throw error;
  }
}
