// What of a build's request is in directories of blobs here: caches of type local, and OCI layouts as named contexts. The
// engine is told the digests, and gets the directories over the session; a cache's tag is set when the build is done.

import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { ExitError } from "../base/errors.ts";
import { cut } from "../base/text.ts";
import type { CliIo } from "../io.ts";
import { digestOf, setTag } from "./layout.ts";
import type { LentStore } from "./lend/content.ts";
import type { CacheEntry } from "./request.ts";

const LAYOUT = "oci-layout://";

export class Stores {
  readonly lent = new Map<string, LentStore>();
  readonly #io: CliIo;
  /** Directory → tag of the cache that is written there. */
  readonly #tags = new Map<string, string>();

  constructor(io: CliIo) {
    this.#io = io;
  }

  /** A cache that is not there yet is left out, with a word. */
  async cachesFrom(entries: readonly CacheEntry[]): Promise<CacheEntry[]> {
    const found: CacheEntry[] = [];
    for (const { type, attrs } of entries) {
      if (type !== "local") {
        found.push({ type, attrs });
        continue;
      }
      const directory = this.#place(attrs.src, "src", "cache-from");
      const { tag = "latest", ...rest } = attrs;
      const digest = rest.digest ?? (await digestOf(directory, tag));
      if (digest === undefined) {
        this.#io.stderr.line(`WARNING: local cache import at ${attrs.src} not found: no ${tag} in it`);
        continue;
      }
      this.#lend(`local:${directory}`, directory, false);
      found.push({ type, attrs: { ...rest, src: directory, digest } });
    }
    return found;
  }

  cachesTo(entries: readonly CacheEntry[]): CacheEntry[] {
    return entries.map(({ type, attrs }) => {
      if (type !== "local") return { type, attrs };
      const directory = this.#place(attrs.dest, "dest", "cache-to");
      const { tag = "latest", ...rest } = attrs;
      this.#tags.set(directory, tag);
      this.#lend(`local:${directory}`, directory, true);
      return { type, attrs: { ...rest, dest: directory } };
    });
  }

  /** "oci-layout://DIRECTORY[:TAG][@DIGEST]" as the engine is told of it; other contexts as they are. */
  async context(name: string, value: string): Promise<string> {
    if (!value.startsWith(LAYOUT)) return value;
    const [place, given] = cut(value.slice(LAYOUT.length), "@");
    const [path, tag] = cut(place, ":");
    if (path === "") throw new ExitError(1, `ERROR: failed to get build context ${name}: no directory is named`);
    const directory = resolve(this.#io.cwd, path);
    const digest = given === "" ? await digestOf(directory, tag || "latest") : given;
    if (digest === undefined) {
      throw new ExitError(1, `ERROR: failed to get build context ${name}: no ${tag || "latest"} in the layout ${path}`);
    }
    const store = randomUUID().replaceAll("-", "");
    this.#lend(`oci:${store}`, directory, false);
    return `${LAYOUT}${store}@${digest}`;
  }

  /** @param response of the engine, with the descriptor of the cache that it wrote */
  async finish(response: Readonly<Record<string, string>>): Promise<void> {
    const written = response["cache.manifest"];
    if (written === undefined) return;
    for (const [directory, tag] of this.#tags) await setTag(directory, tag, JSON.parse(written));
  }

  #place(path: string | undefined, key: string, flag: string): string {
    if (path === undefined || path === "") throw new ExitError(1, `ERROR: local --${flag} requires ${key}`);
    return resolve(this.#io.cwd, path);
  }

  /** One that is read and written is both. */
  #lend(name: string, directory: string, writable: boolean): void {
    const before = this.lent.get(name);
    this.lent.set(name, { directory, writable: writable || before?.writable === true });
  }
}
