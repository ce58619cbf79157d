// A directory of the client as a tree of one layer. The client lists its files each time; when the list is that of a
// layer which is here, that is the tree, and nothing is sent. Else only files that are not as they were the last time
// are sent, and the others are read from the layer of that time.
//
// The layers are records of the build cache: pruned with it, and kept over a restart.

import { type Digest, sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { LayerInfo } from "../../../storage/snapshot.ts";
import type { RawText } from "../../../storage/tar/entry.ts";
import type { Source } from "../../graph.ts";
import type { LayerSession } from "../../needs.ts";
import { treeOf } from "../../solver/digests.ts";
import type { GraphSolver } from "../../solver/solver.ts";
import type { Tree } from "../../solver-contract.ts";
import { methodPath } from "../grpc/service.ts";
import { FileSync } from "../proto/gen/session_pb.ts";
import type { DirectFiles } from "./direct.ts";
import { openContents } from "./layer-contents.ts";
import type { ListedFile } from "./listing.ts";
import { NotedTree } from "./noted-tree.ts";
import { type Known, type Placed, type Received, receive } from "./receive.ts";
import type { ClientSession } from "./sessions.ts";

export type LocalSource = Extract<Source, { type: "local" }>;

interface LastTime {
  readonly key: Digest;
  readonly record: string;
  readonly diffIds: readonly Digest[];
  readonly files: ReadonlyMap<RawText, ListedFile>;
}

/** Directories whose last list is remembered. */
const MAX_REMEMBERED = 32;
/** Of files, over all that is remembered: each costs some hundred bytes. */
const MAX_REMEMBERED_FILES = 100_000;

export interface ReceiveOptions {
  readonly layers: LayerSession;
  readonly signal: AbortSignal;
  /** Told what to call when the build has ended: the record is in use until then. */
  readonly hold: (release: () => void) => void;
  /** Of bytes sent of a directory. */
  readonly progress: (source: string, bytes: number, done: boolean) => void;
}

const NOTHING: Known & Disposable = {
  has: () => false,
  content: () => Buffer.alloc(0),
  [Symbol.dispose]: () => undefined,
};

export class LocalFiles {
  readonly #solver: GraphSolver;
  readonly #directs: DirectFiles;
  /** Oldest first. */
  readonly #last = new Map<string, LastTime>();

  constructor(solver: GraphSolver, directs: DirectFiles) {
    this.#solver = solver;
    this.#directs = directs;
    solver.knownTrees.whenForgotten(() => this.#last.clear());
  }

  /** @throws HoyError; "not-found" when the client does not lend a directory of that name. */
  async receive(session: ClientSession, source: LocalSource, options: ReceiveOptions): Promise<Tree> {
    const { layers, signal, hold } = options;
    const { cache } = this.#solver;
    const call = openCall(session, source, signal);
    try {
      const offer = session.takesDirect ? () => this.#directs.offer(signal) : undefined;
      const received = await receive(call, offer);
      const owner = ownerOf(session, source);
      const key = keyOf(owner, received.files);
      const found = cache.find(key);
      const [layer] = found?.outputs[0] ?? [];
      if (found !== undefined && layer !== undefined && (await layers.use(layer)) !== undefined) {
        hold(cache.use(found.id));
        cache.hit(found.id);
        await received.finish();
        this.#remember(owner, { key, record: found.id, diffIds: [layer] }, received.files);
        return treeOf([layer]);
      }
      const last = this.#last.get(owner);
      const noted = new NotedTree();
      const { diffId, size } = await this.#add(received, last, source.name, noted.placed, options);
      const description = `local source for ${source.name}`;
      const record = await cache.put({
        key,
        outputs: [[diffId]],
        parents: [],
        type: "source.local",
        description,
        size,
      });
      hold(cache.use(record.id));
      if (last !== undefined && last.record !== record.id) await cache.remove([last.record]);
      this.#remember(owner, { key, record: record.id, diffIds: [diffId] }, received.files);
      const tree = treeOf([diffId]);
      const plain = noted.tree(received.files);
      if (plain !== undefined) this.#solver.knownTrees.remember(tree.key, plain);
      return tree;
    } finally {
      call.cancel();
    }
  }

  async #add(
    received: Received,
    last: LastTime | undefined,
    name: string,
    placed: Placed,
    { layers, signal, progress }: ReceiveOptions,
  ): Promise<LayerInfo> {
    using known = await this.#known(last, signal);
    let sent = 0;
    const told = (bytes: number) => {
      sent = bytes;
      progress(name, bytes, false);
    };
    const tar = received.tar(known, told, placed);
    const layer = await layers.add(tar, signal);
    progress(name, sent, true);
    return layer;
  }

  async #known(last: LastTime | undefined, signal: AbortSignal): Promise<Known & Disposable> {
    // Pruned meanwhile: the layers may be somebody else's now, and their tree is not ours to mount.
    if (last === undefined || this.#solver.cache.find(last.key)?.id !== last.record) return NOTHING;
    const release = this.#solver.cache.use(last.record);
    const contents = await openContents(this.#solver, last.diffIds, signal);
    return {
      has: (file) => isLike(last.files.get(file.path), file),
      content: (file) => contents.of(file),
      [Symbol.dispose]() {
        contents[Symbol.dispose]();
        release();
      },
    };
  }

  #remember(owner: string, what: Omit<LastTime, "files">, files: readonly ListedFile[]): void {
    this.#solver.knownTrees.used();
    this.#last.delete(owner);
    if (files.length > MAX_REMEMBERED_FILES) return;
    this.#last.set(owner, { ...what, files: new Map(files.map((file) => [file.path, file])) });
    let total = 0;
    for (const { files: each } of this.#last.values()) total += each.size;
    for (const [oldest, { files: each }] of this.#last) {
      if (this.#last.size <= MAX_REMEMBERED && total <= MAX_REMEMBERED_FILES) return;
      total -= each.size;
      this.#last.delete(oldest);
    }
  }
}

/** Lists of other patterns are other directories: one does not take the other's place. */
function ownerOf({ id, sharedKey }: ClientSession, { name, include, exclude, followPaths }: LocalSource): string {
  return JSON.stringify([sharedKey === "" ? id : sharedKey, name, include, exclude, followPaths]);
}

function openCall(session: ClientSession, source: LocalSource, signal: AbortSignal) {
  const method = FileSync.method.diffCopy;
  if (!session.supports(methodPath(method))) {
    throw new HoyError("not-found", `no local sources enabled: the client lends no directory ${source.name}`);
  }
  const metadata = new Map<string, readonly string[]>();
  const put = (name: string, values: readonly string[]) => {
    if (values.length === 0) return;
    // A header holds ASCII only, and several of one name may become one, apart by commas; the other side decodes when
    // it is told to.
    const encode = values.some((value) => /[^\x20-\x2b\x2d-\x7e]/.test(value));
    metadata.set(name, encode ? values.map(queryEscape) : values);
    if (encode) metadata.set(`${name}-encoded`, ["1"]);
  };
  put("dir-name", [source.name]);
  put("include-patterns", source.include);
  put("exclude-patterns", source.exclude);
  put("followpaths", source.followPaths);
  return session.client.open(method, { signal, metadata });
}

/** Go's url.QueryEscape. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** Of everything that is listed: the same list has the same content, as rsync and BuildKit take it too. */
function keyOf(owner: string, files: readonly ListedFile[]): Digest {
  const lines = files.map((file) => `${file.path}\0${likeness(file)}`);
  return sha256(Buffer.from(`local files\n${owner}\n${lines.join("\n")}`, "latin1"));
}

function isLike(before: ListedFile | undefined, now: ListedFile): boolean {
  if (before === undefined || before.size !== now.size || before.mtime !== now.mtime) return false;
  return likeness(before) === likeness(now);
}

function likeness(file: ListedFile): string {
  const { type, mode, size, mtime, linkname, device, xattrs } = file;
  const plain = `${type} ${mode} ${size} ${mtime} ${linkname}`;
  if (device.major === 0 && device.minor === 0 && xattrs.size === 0) return plain;
  const more = [...xattrs].map(([name, value]) => `${name}=${Buffer.from(value).toString("base64")}`).sort();
  return `${plain} ${device.major}:${device.minor} ${more.join(" ")}`;
}
