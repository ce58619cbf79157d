// For the tests beside: a shelf on a temporary directory with a driver that keeps tars and mounts nothing, and archives
// built in memory. The real drivers are tested where they are, and with these verbs in test/.

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProgressMessage } from "../../api/backend.ts";
import { chainId, type Digest, digestHex, isDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { RegistrySettings } from "../../base/settings.ts";
import { openDatabase } from "../../state/database.ts";
import { ImageMountTable } from "../../state/image-mounts.ts";
import { ImageTable } from "../../state/images.ts";
import { migrations } from "../../state/migrations.ts";
import { FileContentStore } from "../../storage/file-content.ts";
import type { AddLayerOptions, LayerInfo, SnapshotDriver } from "../../storage/snapshot.ts";
import { readTar } from "../../storage/tar/reader.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter, type TarHeader } from "../../storage/tar/writer.ts";
import { Images } from "./backend.ts";
import type { ContainerSource, ImageUser } from "./contract.ts";
import { ImageMounts } from "./mounts.ts";
import { ImageShelf } from "./shelf.ts";

export interface SeenEvent {
  readonly type: string;
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

const TEST_REGISTRY_SETTINGS: RegistrySettings = {
  mirrors: [],
  insecure: [],
  certsDirs: [],
  maxDownloads: 3,
  maxUploads: 5,
  maxDownloadAttempts: 5,
};

export class TestHouse implements AsyncDisposable {
  readonly root: string;
  readonly driver: TestDriver;
  readonly shelf: ImageShelf;
  readonly images: Images;
  readonly users: ImageUser[] = [];
  readonly events: SeenEvent[] = [];
  source: ContainerSource | undefined;
  settings: RegistrySettings = TEST_REGISTRY_SETTINGS;

  private constructor(root: string, driver: TestDriver, shelf: ImageShelf, mounts: ImageMountTable) {
    this.root = root;
    this.driver = driver;
    this.shelf = shelf;
    this.images = new Images(
      {
        shelf,
        sources: {
          find: async (ref) => {
            if (this.source === undefined) throw new HoyError("not-found", `No such container: ${ref}`);
            return this.source;
          },
          users: () => this.users,
        },
        emit: (type, action, actor) => this.events.push({ type, action, id: actor.ID, attributes: actor.Attributes }),
      },
      () => this.settings,
      new ImageMounts(mounts, shelf, { data: root, run: join(root, "run") }),
    );
  }

  static async open(root?: string, name: "erofs" | "overlay" = "erofs"): Promise<TestHouse> {
    const directory = root ?? (await mkdtemp(join(tmpdir(), "hoy-images-")));
    const driver = new TestDriver(join(directory, "layers"), name);
    await mkdir(join(directory, "layers"), { recursive: true });
    const db = openDatabase(join(directory, "hoy.db"), migrations);
    const table = new ImageTable(db);
    const temporary = join(directory, "tmp");
    const content = await FileContentStore.open(join(directory, "blobs/sha256"), temporary);
    const shelf = await ImageShelf.open({ table, content, driver, temporary });
    return new TestHouse(directory, driver, shelf, new ImageMountTable(db));
  }

  /** Everything on disk that belongs to images, for "nothing is left". */
  async files(): Promise<string[]> {
    const found: string[] = [];
    for (const part of ["layers", "blobs/sha256", "tmp"]) {
      for (const name of await readdir(join(this.root, part))) found.push(`${part}/${name}`);
    }
    return found;
  }

  async load(archive: Uint8Array, options: { quiet?: boolean; platform?: string } = {}): Promise<string> {
    const { quiet = true, platform } = options;
    return said(await this.images.load(cut(archive), { quiet, platform }, NEVER));
  }

  async pull(name: string, options: Partial<Parameters<Images["pull"]>[1]> = {}, signal = NEVER): Promise<string> {
    const all = { platform: undefined, auth: undefined, allTags: false, ...options };
    return said(await this.images.pull(name, all, signal));
  }

  async push(name: string, options: Partial<Parameters<Images["push"]>[1]> = {}): Promise<string> {
    return said(
      await this.images.push(name, { tag: undefined, platform: undefined, auth: undefined, ...options }, NEVER),
    );
  }

  async save(...refs: string[]): Promise<Buffer> {
    return gather(await this.images.save(refs, { platform: undefined }, NEVER));
  }

  /** Imports a tar of one file. @returns the image's id. */
  async import(repo: string | undefined, content: string, changes: string[] = []): Promise<string> {
    const options = { source: "-", repo, tag: undefined, message: "", changes, platform: undefined };
    return (await said(await this.images.import(options, cut(tar({ "etc/content": content })), NEVER))).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

export const NEVER = new AbortController().signal;

/** Keeps tars as files; checks no more than that they are tars of the right digest. */
export class TestDriver implements SnapshotDriver {
  readonly name: "erofs" | "overlay";
  readonly chains = new Set<string>();
  /** Removals fail, as on a file system that went read-only. */
  broken = false;
  readonly #directory: string;
  readonly #layers = new Map<Digest, LayerInfo>();

  constructor(directory: string, name: "erofs" | "overlay") {
    this.#directory = directory;
    this.name = name;
  }

  async addLayer(source: AsyncIterable<Uint8Array>, options: AddLayerOptions = {}): Promise<LayerInfo> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of source) chunks.push(chunk.slice());
    const bytes = Buffer.concat(chunks);
    const diffId: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    if (options.expected !== undefined && options.expected !== diffId) {
      throw new HoyError("invalid", `wrong digest: expected ${options.expected}, got ${diffId}`);
    }
    let size = 0;
    let entries = 0;
    for await (const { entry } of readTar(cut(bytes))) {
      size += entry.size;
      entries++;
    }
    await writeFile(join(this.#directory, digestHex(diffId)), bytes);
    const layer = { diffId, tarSize: bytes.length, size, entries };
    this.#layers.set(diffId, layer);
    return layer;
  }

  async hasLayer(diffId: Digest): Promise<LayerInfo | undefined> {
    return this.#layers.get(diffId);
  }

  async layerTar(diffId: Digest): Promise<string | undefined> {
    const here = this.name === "erofs" && this.#layers.has(diffId);
    return here ? join(this.#directory, digestHex(diffId)) : undefined;
  }

  async removeLayer(diffId: Digest): Promise<void> {
    if (this.broken) throw new Error("EROFS: read-only file system");
    this.#layers.delete(diffId);
    await rm(join(this.#directory, digestHex(diffId)), { force: true });
  }

  async mountChain(diffIds: readonly Digest[]): Promise<readonly string[]> {
    this.chains.add(chainId(diffIds));
    return [join("/mounts", digestHex(chainId(diffIds)))];
  }

  async removeChain(diffIds: readonly Digest[]): Promise<void> {
    this.chains.delete(chainId(diffIds));
  }

  async listLayers(): Promise<Digest[]> {
    return (await readdir(this.#directory)).map((name) => `sha256:${name}`).filter(isDigest);
  }
}

/** Messages as a user of the command line sees them. */
export async function said(messages: AsyncIterable<ProgressMessage>): Promise<string> {
  let text = "";
  for await (const { stream, status } of messages) text += stream ?? `${status}\n`;
  return text;
}

export async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

export async function* cut(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A tar of regular files; a value that is not text or bytes is what to change in the header. */
export function tar(files: Record<string, string | Uint8Array | (Partial<TarHeader> & { data?: string })>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, file] of Object.entries(files)) {
    const special = typeof file === "object" && !(file instanceof Uint8Array) ? file : {};
    const data =
      typeof file === "string" || file instanceof Uint8Array ? Buffer.from(file) : Buffer.from(special.data ?? "");
    const { data: _, ...header } = special;
    parts.push(
      formatHeader({
        type: "file",
        name,
        linkname: "",
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: data.length,
        mtime: 0n,
        device: { major: 0, minor: 0 },
        xattrs: new Map(),
        ...header,
      }),
      data,
      paddingAfter(data.length),
    );
  }
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** The files of a tar by name. */
export async function untar(archive: Uint8Array): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { entry, data } of readTar(cut(archive))) {
    if (entry.type === "file") files.set(entry.name, await gather(data));
  }
  return files;
}
