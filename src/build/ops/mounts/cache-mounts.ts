// Directories of cache mounts: kept between builds, each under a key of its id and of what it began with. A directory
// that is "locked" is one command's at a time; of a "private" one who comes while it is taken gets another. One that is
// being copied away (portable.ts) is waited for.

import { randomUUID } from "node:crypto";
import { chmod, chown, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { AT } from "../../../linux/at.ts";
import { O, OwnedFd, openat2 } from "../../../linux/open.ts";
import type { BuildMountRow, BuildTable } from "../../../state/build.ts";
import { extractTar } from "../../../storage/tree/extract.ts";
import { removeTree } from "../../../storage/tree/remove.ts";
import { treeTar } from "../../../storage/tree/tree-tar.ts";
import type { ExecMount, ExecMountDetail } from "../../graph.ts";
import type { BuildDirectories } from "../../needs.ts";
import { canonical } from "../../solver/digests.ts";
import type { Tree } from "../../solver-contract.ts";
import { openLayers } from "../tree/read-file.ts";
import type { LendContext } from "./lend.ts";
import { treeSize } from "./tree-size.ts";

type CacheDetail = Extract<ExecMountDetail, { type: "cache" }>;

export interface TakenCache extends AsyncDisposable {
  readonly path: string;
}

export interface CacheMountsOptions {
  readonly table: BuildTable;
  readonly directories: BuildDirectories;
  readonly now: () => string;
}

export class CacheMounts {
  readonly #options: CacheMountsOptions;
  /** Directory → how many commands have it. */
  readonly #users = new Map<string, number>();
  /** Key → the end of whoever came last. */
  readonly #locks = new Map<string, Promise<void>>();
  /** Directory → the end of its being copied. */
  readonly #copies = new Map<string, Promise<void>>();
  /** One at a time finds or makes a directory of a key. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: CacheMountsOptions) {
    this.#options = options;
  }

  /** Waits for a locked one; the wait ends when the context's signal fires. */
  async take(detail: CacheDetail, mount: ExecMount, from: Tree | undefined, context: LendContext): Promise<TakenCache> {
    const { mode, uid, gid, id, sharing } = detail;
    const made = canonical({ id, mode, uid, gid, from: from?.key, selector: mount.selector });
    const key = sha256(made);
    await using stack = new AsyncDisposableStack();
    if (sharing === "locked") stack.defer(await this.#lock(key, context.signal));
    const turn = this.#turn.then(() => this.#choose(made, detail, mount, from, context));
    this.#turn = turn.catch(() => undefined);
    const row = await turn;
    stack.defer(() => this.#release(row.id));
    await unlessAborted(this.#copies.get(row.id) ?? Promise.resolve(), context.signal);
    const held = stack.move();
    return { path: this.#path(row.id), [Symbol.asyncDispose]: () => held.disposeAsync() };
  }

  rows(): BuildMountRow[] {
    return this.#options.table.mounts();
  }

  /**
   * The directory for somebody who copies it: no command has it meanwhile, and it is not removed.
   * @throws HoyError "conflict" when a command has it.
   */
  copying(id: string): TakenCache {
    if (this.isInUse(id)) throw new HoyError("conflict", "the cache mount is in use by a build");
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#copies.set(id, promise);
    this.#users.set(id, 1);
    return {
      path: this.#path(id),
      [Symbol.asyncDispose]: async () => {
        this.#copies.delete(id);
        this.#let(id);
        resolve();
      },
    };
  }

  /**
   * A directory of a key that comes from elsewhere, at a path on the same file system; it is whole. With `replace` those
   * of the key that are here go. @throws HoyError "conflict"
   */
  async adopt(path: string, made: string, description: string, replace: boolean): Promise<BuildMountRow> {
    const adopting = this.#turn.then(() => this.#adopt(path, made, description, replace));
    this.#turn = adopting.catch(() => undefined);
    return adopting;
  }

  async #adopt(path: string, made: string, description: string, replace: boolean): Promise<BuildMountRow> {
    const { table, directories, now } = this.#options;
    const key = sha256(made);
    const there = table.mounts(key);
    if (there.length > 0 && !replace) {
      throw new HoyError("conflict", `there is a cache mount of that kind already: ${there[0]?.id.slice(0, 12)}`, {
        hint: "--replace puts this one in its place",
      });
    }
    if (there.some(({ id }) => this.isInUse(id))) {
      throw new HoyError("conflict", "the cache mount that would be replaced is in use by a build");
    }
    await this.remove(there.map(({ id }) => id));
    const id = randomUUID().replaceAll("-", "");
    const size = await treeSize(path);
    const at = now();
    const row = { id, key, made_of: made, description, size, created: at, used: at, uses: 0 };
    table.addMount(row);
    await mkdir(directories.data, { recursive: true, mode: 0o700 });
    await rename(path, this.#path(id));
    return row;
  }

  isInUse(id: string): boolean {
    return this.#users.has(id);
  }

  /** Removes directories that nobody has; gives those that went. */
  async remove(ids: readonly string[]): Promise<string[]> {
    const { table, directories } = this.#options;
    const gone: string[] = [];
    for (const id of ids) {
      if (this.isInUse(id)) continue;
      gone.push(id);
      const doomed = join(directories.temporary, `build-gone-${randomUUID()}`);
      // Out of the way before its row goes: a crash in between leaves nothing that looks whole.
      await rename(this.#path(id), doomed).catch(ignoreMissing);
      table.removeMount(id);
      await removeTree(doomed);
    }
    return gone;
  }

  async #choose(
    made: string,
    detail: CacheDetail,
    mount: ExecMount,
    from: Tree | undefined,
    context: LendContext,
  ): Promise<BuildMountRow> {
    const { table } = this.#options;
    const rows = table.mounts(sha256(made));
    const row = rows.find(({ id }) => detail.sharing !== "private" || !this.isInUse(id));
    if (row?.made_of === "") table.noteMount(row.id, made);
    const chosen = row ?? (await this.#make(made, detail, mount, from, context));
    this.#users.set(chosen.id, (this.#users.get(chosen.id) ?? 0) + 1);
    return chosen;
  }

  /** Whole before it has its name: what is there by name and row was filled to the end. */
  async #make(
    text: string,
    detail: CacheDetail,
    { target, selector }: ExecMount,
    from: Tree | undefined,
    { needs, signal }: LendContext,
  ): Promise<BuildMountRow> {
    const { directories, table, now } = this.#options;
    const id = randomUUID().replaceAll("-", "");
    const made = join(directories.temporary, `build-cache-${id}`);
    await mkdir(made, { mode: 0o700 });
    try {
      if (from !== undefined) {
        using root = await openLayers(needs.layers, from.diffIds);
        using into = new OwnedFd(openat2(AT.FDCWD, made, { flags: O.RDONLY | O.DIRECTORY }));
        await extractTar(into.fd, "/", treeTar(root.fd, selector || "/", { as: "", follow: true, signal }), { signal });
      }
      await chown(made, detail.uid, detail.gid);
      await chmod(made, detail.mode & 0o7777);
      const at = now();
      const description = `cached mount ${target} with id ${JSON.stringify(detail.id)}`;
      const row = { id, key: sha256(text), made_of: text, description, size: 0, created: at, used: at, uses: 0 };
      table.addMount(row);
      await mkdir(directories.data, { recursive: true, mode: 0o700 });
      await rename(made, this.#path(id));
      return row;
    } finally {
      await rm(made, { recursive: true, force: true });
    }
  }

  async #release(id: string): Promise<void> {
    this.#let(id);
    this.#options.table.usedMount(id, this.#options.now(), await treeSize(this.#path(id)));
  }

  #let(id: string): void {
    const left = (this.#users.get(id) ?? 1) - 1;
    if (left > 0) this.#users.set(id, left);
    else this.#users.delete(id);
  }

  async #lock(key: string, signal: AbortSignal): Promise<() => void> {
    const before = this.#locks.get(key) ?? Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = before.then(() => promise);
    this.#locks.set(key, mine);
    const free = () => {
      resolve();
      if (this.#locks.get(key) === mine) this.#locks.delete(key);
    };
    try {
      await unlessAborted(before, signal);
      return free;
    } catch (error) {
      free();
      throw error;
    }
  }

  #path(id: string): string {
    return join(this.#options.directories.data, id);
  }
}

async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const leave = () => aborted.reject(new HoyError("cancelled", "the build was cancelled"));
  signal.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
