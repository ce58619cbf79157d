// Files here as a tar stream: a file, a link, or a directory with all it holds. Nothing is held whole in memory.

import { createReadStream } from "node:fs";
import { lstat, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { type Header, type Pack, pack } from "tar-stream";
import { HoyError } from "../../base/error.ts";
import type { Matcher } from "../../image/ignore/matcher.ts";
import { compareText } from "../base/text.ts";

/** The tree at `path`, its names beginning with `name`, each passed through `rename`. */
export async function* packTree(
  path: string,
  name: string,
  rename: (name: string) => string,
): AsyncGenerator<Uint8Array> {
  const tar = pack();
  yield* filled(tar, () => new Packer(tar, rename).add(path, name));
}

/**
 * A build's context: what is in `root`, without it, owned by root, less what `ignores` leaves out. A directory that is
 * left out is still walked where an exception may want something in it.
 * @param more files to be there as well, in place of those of their names
 */
export async function* packContext(
  root: string,
  ignores: Matcher,
  more: readonly GivenFile[] = [],
): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const packer = new Packer(tar, (name) => name, ignores);
  yield* filled(tar, async () => {
    for (const child of (await readdir(root)).sort(compareText))
      if (!more.some(({ name }) => name === child)) await packer.add(join(root, child), child);
    for (const file of more) await packer.give(file);
  });
}

/** A file that is nowhere yet. */
export interface GivenFile {
  readonly name: string;
  readonly data: Uint8Array;
}

export async function* packFiles(files: readonly GivenFile[]): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const packer = new Packer(tar, (name) => name);
  yield* filled(tar, async () => {
    for (const file of files) await packer.give(file);
  });
}

/** What comes of a tar while it is filled; what fails there ends it. */
async function* filled(tar: Pack, fill: () => Promise<void>): AsyncGenerator<Uint8Array> {
  const filling = fill().then(
    () => tar.finalize(),
    (thrown: Error) => tar.destroy(thrown),
  );
  for await (const piece of tar) yield piece as Uint8Array;
  await filling;
}

const GIVEN = { mode: 0o600, uid: 0, gid: 0, mtime: new Date(0) } as const;

/** What an entry must have; the rest has defaults. */
type EntryHeader = Partial<Header> & Pick<Header, "name">;

class Packer {
  readonly #tar: Pack;
  readonly #rename: (name: string) => string;
  /** First name of each file that has several. */
  readonly #links = new Map<string, string>();

  readonly #ignores: Matcher | undefined;

  constructor(tar: Pack, rename: (name: string) => string, ignores?: Matcher) {
    this.#tar = tar;
    this.#rename = rename;
    this.#ignores = ignores;
  }

  give({ name, data }: GivenFile): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#tar.entry({ ...GIVEN, name }, Buffer.from(data), (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  async add(path: string, name: string): Promise<void> {
    const stat = await lstat(path);
    const ignored = this.#ignores?.ignores(name) === true;
    if (ignored && !(stat.isDirectory() && this.#ignores?.mayHoldExceptions(name))) return;
    const header: EntryHeader = {
      name: this.#rename(name),
      mode: stat.mode & 0o7777,
      // A context is the same whoever's checkout it is.
      uid: this.#ignores === undefined ? stat.uid : 0,
      gid: this.#ignores === undefined ? stat.gid : 0,
      mtime: stat.mtime,
    };
    if (stat.isDirectory()) {
      if (!ignored) await this.#entry({ ...header, name: `${header.name}/`, type: "directory" });
      for (const child of (await readdir(path)).sort(compareText)) await this.add(join(path, child), join(name, child));
    } else if (stat.isSymbolicLink()) {
      await this.#entry({ ...header, type: "symlink", linkname: await readlink(path) });
    } else if (stat.isFile()) {
      await this.#file(path, header, stat.nlink > 1 ? `${stat.dev}:${stat.ino}` : undefined);
    } else if (stat.isFIFO()) {
      await this.#entry({ ...header, type: "fifo" });
    } else if (stat.isCharacterDevice() || stat.isBlockDevice()) {
      const type = stat.isCharacterDevice() ? "character-device" : "block-device";
      // glibc's makedev(3): the numbers are interleaved.
      const major = ((stat.rdev >> 8) & 0xfff) | Math.floor(stat.rdev / 2 ** 32);
      const minor = (stat.rdev & 0xff) | ((stat.rdev >> 12) & 0xfff00);
      await this.#entry({ ...header, type, devmajor: major, devminor: minor });
    }
    // Sockets can't be archived; docker leaves them out as well.
  }

  async #file(path: string, header: EntryHeader, identity: string | undefined): Promise<void> {
    const first = identity === undefined ? undefined : this.#links.get(identity);
    if (first !== undefined) return this.#entry({ ...header, type: "link", linkname: first });
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (identity !== undefined) this.#links.set(identity, header.name);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const entry = this.#tar.entry({ ...header, type: "file", size }, (error) => (error ? reject(error) : resolve()));
      let left = size;
      // Not a byte more than was announced: the file may grow meanwhile.
      if (size > 0)
        for await (const piece of createReadStream(path, { fd: file.fd, autoClose: false, start: 0, end: size - 1 })) {
          left -= (piece as Uint8Array).length;
          if (!entry.write(piece as Buffer)) await new Promise<void>((drained) => entry.once("drain", () => drained()));
        }
      if (left > 0) throw new HoyError("conflict", `${path}: file became shorter while it was read`);
      entry.end(undefined);
      await promise;
    } finally {
      await file.close();
    }
  }

  #entry(header: EntryHeader): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#tar.entry(header, (error) => (error ? reject(error) : resolve())).end(undefined);
    });
  }
}
