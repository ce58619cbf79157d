// A tree whose files are known without looking at a disk: a client's directory, as it was listed and received. What a
// copy takes of it is found here, and its bytes in the tar of its one layer, so that the tree is neither mounted nor
// walked. Only plain trees are known; everything else is looked at where it is mounted.

import type { RawText } from "../../../storage/tar/entry.ts";

export interface KnownFile {
  /** From the root, without a leading slash. */
  readonly path: RawText;
  readonly type: "file" | "dir" | "symlink" | "fifo";
  /** Permissions with setuid, setgid and sticky. */
  readonly mode: number;
  readonly size: number;
  /** ns since 1970. */
  readonly mtime: bigint;
  /** Symlinks only, else "". */
  readonly target: RawText;
  /** SHA-256 of the data in hexadecimal; "" of an empty file, and of what is none. */
  readonly digest: string;
  /** Where the data is in the layer's tar. */
  readonly offset: number;
  /** Names of one file have one number. */
  readonly inode: number;
}

export class KnownTree {
  /** Parents before what is in them, names in the order of their bytes. */
  readonly files: readonly KnownFile[];
  readonly #places: ReadonlyMap<RawText, number>;
  /** Files that have several names. */
  readonly #linked: ReadonlySet<number>;

  private constructor(files: readonly KnownFile[], linked: ReadonlySet<number>) {
    this.files = files;
    this.#linked = linked;
    this.#places = new Map(files.map(({ path }, index) => [path, index]));
  }

  /** @returns undefined when the files do not come in the order of a walk, in which copies take them. */
  static of(files: readonly KnownFile[]): KnownTree | undefined {
    const seen = new Set<number>();
    const linked = new Set<number>();
    let last = "";
    for (const { path, inode } of files) {
      // A slash comes before every other byte: a directory's files follow it at once.
      const place = path.replaceAll("/", "\0");
      if (place <= last) return undefined;
      last = place;
      if (seen.has(inode)) linked.add(inode);
      seen.add(inode);
    }
    return new KnownTree(files, linked);
  }

  isLinked({ inode }: KnownFile): boolean {
    return this.#linked.has(inode);
  }

  at(path: RawText): KnownFile | undefined {
    const index = this.#places.get(path);
    return index === undefined ? undefined : this.files[index];
  }

  /** Everything below a directory, itself not; "" is the root. */
  *below(path: RawText): Generator<KnownFile, void, void> {
    const inside = path === "" ? "" : `${path}/`;
    for (let index = path === "" ? 0 : (this.#places.get(path) ?? this.files.length) + 1; ; index++) {
      const file = this.files[index];
      if (file === undefined || !file.path.startsWith(inside)) return;
      yield file;
    }
  }
}

/** Trees and their files: each costs more than a kilobyte, with what a session remembers of it. */
const MAX_TREES = 32;
const MAX_FILES = 100_000;

/** Milliseconds without a build after which an engine should not hold the memory any longer. */
const IDLE = 15 * 60_000;

/** Those that were received last, by their keys. What is forgotten is received again, or looked for on the disk. */
export class KnownTrees {
  /** Longest unused first. */
  readonly #trees = new Map<string, KnownTree>();
  readonly #idle: number;
  readonly #actions: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(idle: number = IDLE) {
    this.#idle = idle;
  }

  /** What else is to be forgotten along with them. */
  whenForgotten(action: () => void): void {
    this.#actions.push(action);
  }

  /** Somebody builds: nothing is forgotten for a while. */
  used(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#trees.clear();
      for (const action of this.#actions) action();
    }, this.#idle);
    this.#timer.unref();
  }

  remember(key: string, tree: KnownTree): void {
    this.used();
    this.#trees.delete(key);
    if (tree.files.length > MAX_FILES) return;
    this.#trees.set(key, tree);
    let total = this.#trees.values().reduce((sum, { files }) => sum + files.length, 0);
    for (const [oldest, { files }] of this.#trees) {
      if (this.#trees.size <= MAX_TREES && total <= MAX_FILES) return;
      total -= files.length;
      this.#trees.delete(oldest);
    }
  }

  find(key: string): KnownTree | undefined {
    const found = this.#trees.get(key);
    if (found === undefined) return undefined;
    this.used();
    this.#trees.delete(key);
    this.#trees.set(key, found);
    return found;
  }
}
