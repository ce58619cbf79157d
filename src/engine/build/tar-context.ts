// A build's context that came as a tar: kept as a layer of the snapshot driver, so that nothing is unpacked. What its
// .dockerignore leaves out, and the client sent all the same, is hidden by a second layer above it.

import { setImmediate } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import type { Source } from "../../build/graph.ts";
import type { LayerSession } from "../../build/needs.ts";
import { emitDraft } from "../../build/ops/tree/emit.ts";
import type { KnownTrees } from "../../build/ops/tree/known-tree.ts";
import { openLayers } from "../../build/ops/tree/read-file.ts";
import { WorkingTree } from "../../build/ops/tree/working-tree.ts";
import { treeOf } from "../../build/solver/digests.ts";
import type { GraphSolver } from "../../build/solver/solver.ts";
import type { Tree } from "../../build/solver-contract.ts";
import { Matcher } from "../../image/ignore/matcher.ts";
import { S } from "../../linux/stat.ts";
import { decompress } from "../../storage/decompress.ts";
import { cleanName } from "../../storage/layer/name.ts";
import { relieved } from "../../storage/relief.ts";
import { ArchiveWriter } from "../../storage/tar/archive-writer.ts";
import { type RawText, rawToText, type TarEntry, textToRaw } from "../../storage/tar/entry.ts";
import { readTar } from "../../storage/tar/reader.ts";
import { ToldTar } from "../../storage/tar/told.ts";
import { walkTree } from "../../storage/tree/walk.ts";
import { NotedEntries, PassingDigest } from "./noted-entries.ts";

type LocalSource = Extract<Source, { type: "local" }>;

export interface ReceivedContext {
  readonly tree: Tree;
  /** A file that was asked for, as it passed; undefined: there is none; "ask": links lead there, the tree must be asked. */
  file(name: string): Uint8Array | undefined | "ask";
}

/** Larger ones are left to be read from the tree, which says that they are too large. */
const MAX_KEPT = 2 * 1024 * 1024;

/** What comes is kept in, and known by, for the copies of a build. */
export interface ContextPlace {
  readonly layers: LayerSession;
  readonly knownTrees: KnownTrees;
}

/**
 * Reads the whole tar. Of `wanted` names the data is kept as it passes, so that an unchanged context need not be mounted.
 * @throws HoyError "invalid" for what is no tar.
 */
export async function receiveContext(
  body: AsyncIterable<Uint8Array>,
  wanted: readonly string[],
  { layers, knownTrees }: ContextPlace,
  signal: AbortSignal,
): Promise<ReceivedContext> {
  const kept = new Kept(wanted);
  const noted = new NotedEntries();
  try {
    const tar = ownedByRoot(relieved(decompress(body, { signal })), kept, noted);
    const { diffId } = await layers.add(tar, signal);
    const tree = treeOf([diffId]);
    const known = noted.tree();
    if (known !== undefined) knownTrees.remember(tree.key, known);
    return { tree, file: (name) => kept.file(name) };
  } catch (error) {
    if (!(error instanceof HoyError) || error.code !== "invalid") throw error;
    throw new HoyError("invalid", `Error processing tar file: ${error.message}`, { cause: error });
  }
}

class Kept {
  readonly #wanted: ReadonlySet<string>;
  readonly #files = new Map<string, Uint8Array | "ask">();
  /** Links in the place of a wanted file, or of a directory that it is in. */
  readonly #links = new Set<string>();

  constructor(wanted: readonly string[]) {
    this.#wanted = new Set(wanted.map((name) => textToRaw(name)));
  }

  /** @returns where the entry's data is to be gathered; undefined when nobody wants it. */
  begin({ name, type, size }: TarEntry): Uint8Array[] | undefined {
    const path = cleanName(name).join("/");
    if (type !== "file" && type !== "dir") {
      const leads = [...this.#wanted].some((each) => each === path || each.startsWith(`${path}/`));
      if (leads) this.#links.add(path);
      return undefined;
    }
    if (type !== "file" || !this.#wanted.has(path)) return undefined;
    this.#files.set(path, "ask");
    return size > MAX_KEPT ? undefined : [];
  }

  end({ name }: TarEntry, chunks: readonly Uint8Array[]): void {
    this.#files.set(cleanName(name).join("/"), Buffer.concat(chunks));
  }

  file(name: string): Uint8Array | undefined | "ask" {
    const path = textToRaw(name);
    if (!this.#wanted.has(path)) return "ask";
    const indirect = [...this.#links].some((link) => path === link || path.startsWith(`${link}/`));
    return indirect ? "ask" : this.#files.get(path);
  }
}

/** Files of a context belong to root, whoever they belonged to at the client; no name in it hides another. */
function ownedByRoot(tar: AsyncIterable<Uint8Array>, kept: Kept, noted: NotedEntries): ToldTar {
  return new ToldTar(async function* (tell) {
    const out = new ArchiveWriter(tell);
    for await (const { entry, data } of readTar(tar, { unpadded: true })) {
      if (isMark(entry.name)) continue;
      const chunks = kept.begin(entry);
      out.header({ ...entry, uid: 0, gid: 0 });
      const { position } = out;
      const digest = entry.type === "file" && entry.size > 0 && noted.isPlain ? new PassingDigest() : undefined;
      if (entry.type === "file" && entry.size > 0) {
        const passing = digest === undefined ? data : digest.of(data);
        yield* out.through(chunks === undefined ? passing : alsoInto(chunks, passing));
        out.padding(entry.size);
      }
      noted.add(entry, position, digest?.hex ?? "");
      if (chunks !== undefined) kept.end(entry, chunks);
      if (!out.isFull) continue;
      yield out.take();
      // A reader that is always ready would keep all other work waiting for the whole tree.
      await setImmediate();
    }
    yield out.end();
  });
}

async function* alsoInto(
  chunks: Uint8Array[],
  data: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of data) {
    chunks.push(chunk);
    yield chunk;
  }
}

/** A whiteout to a layer; in a context only a file with an odd name, which no image could hold. */
function isMark(name: RawText): boolean {
  return name.includes(".wh.") && name.split("/").some((part) => part.startsWith(".wh."));
}

/** The context without what the patterns leave out; itself when it has nothing of that. */
export async function filterContext(
  context: Tree,
  { exclude }: LocalSource,
  { needs, knownTrees }: Pick<GraphSolver, "needs" | "knownTrees">,
  layers: LayerSession,
  signal: AbortSignal,
): Promise<Tree> {
  const matcher = new Matcher(exclude);
  if (matcher.patterns.length === 0) return context;
  const known = knownTrees.find(context.key);
  if (known !== undefined && !known.files.some((file) => isLeftOut(matcher, file.path, file.type === "dir")))
    return context;
  using root = await openLayers(needs.layers, context.diffIds);
  const tree = new WorkingTree(root);
  let removed: RawText | undefined;
  for (const { path, status } of walkTree(root.fd)) {
    signal.throwIfAborted();
    if (removed !== undefined && path.startsWith(removed)) continue;
    const isDirectory = (status.mode & S.IFMT) === S.IFDIR;
    if (!isLeftOut(matcher, path, isDirectory)) continue;
    if (isDirectory) removed = `${path}/`;
    tree.remove(path.split("/"));
  }
  if (tree.root.children.size === 0) return context;
  const { diffId } = await layers.add(emitDraft(tree.root, { clamp: undefined, signal }), signal);
  return treeOf([...context.diffIds, diffId]);
}

function isLeftOut(matcher: Matcher, path: RawText, isDirectory: boolean): boolean {
  const text = rawToText(path);
  return matcher.ignores(text) && !(isDirectory && matcher.mayHoldExceptions(text));
}
