// The verbs on a container's files: copy in and out, diff, export. Each is a file beside this one; here the container is
// found, errors are said in Docker's words, and events are sent.

import type { ArchivePutOptions, PathStat } from "../../api/backend.ts";
import type { FilesystemChange } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { isErrno } from "../../linux/libc.ts";
import { overlayChanges } from "../../storage/tree/changes.ts";
import { treeTar } from "../../storage/tree/tree-tar.ts";
import { closing } from "../closing.ts";
import type { ContainerSource, ContainerSources, EmitEvent } from "../images/contract.ts";
import { getArchive } from "./get.ts";
import { enginesOwn } from "./mount-points.ts";
import { putArchive } from "./put.ts";
import { statPath } from "./stat.ts";
import { openTree } from "./tree.ts";
import { whole, wholeStream } from "./whole.ts";

export class Archives {
  readonly #sources: ContainerSources;
  readonly #emit: EmitEvent;

  constructor(sources: ContainerSources, emit: EmitEvent) {
    this.#sources = sources;
    this.#emit = emit;
  }

  async changes(ref: string): Promise<FilesystemChange[]> {
    const source = await this.#sources.find(ref);
    const changes = await whole(source, () =>
      overlayChanges(source.upper, source.lowers, { omit: enginesOwn(source) }),
    );
    return changes.map(({ path, kind }) => ({ Path: path, Kind: kind }));
  }

  async export(ref: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const source = await this.#sources.find(ref);
    using opening = new DisposableStack();
    const tree = opening.use(await openTree(source));
    const tar = treeTar(tree.root, "/", { as: "", shift: tree.shift, oneFilesystem: true, signal });
    this.#tell(source, "export");
    return closing(wholeStream(source, tar), opening.move(), signal);
  }

  async archiveStat(ref: string, path: string): Promise<PathStat> {
    const source = await this.#sources.find(ref);
    return inDockersWords(ref, path, () => statPath(source, path));
  }

  async archiveGet(ref: string, path: string, signal: AbortSignal) {
    const source = await this.#sources.find(ref);
    const archive = await inDockersWords(ref, path, () => getArchive(source, path, signal));
    this.#tell(source, "archive-path");
    return archive;
  }

  async archivePut(
    ref: string,
    options: ArchivePutOptions,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const source = await this.#sources.find(ref);
    await inDockersWords(ref, options.path, () => putArchive(source, options, tar, signal));
    this.#tell(source, "extract-to-dir");
  }

  #tell(source: ContainerSource, action: string): void {
    this.#emit("container", action, { ID: source.id, Attributes: source.attributes });
  }
}

async function inDockersWords<T>(ref: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const missing = cause instanceof HoyError ? cause.code === "not-found" : isErrno(cause, "ENOENT", "ENOTDIR");
    if (missing) {
      throw new HoyError("not-found", `Could not find the file ${path} in container ${ref}`, { cause });
    }
    if (isErrno(cause, "EROFS")) {
      throw new HoyError("forbidden", "container rootfs is marked read-only", { cause });
    }
    if (isErrno(cause, "ELOOP")) {
      throw new HoyError("invalid", `${path} leads through a link that can't be followed from outside`, { cause });
    }
    if (isErrno(cause, "ENAMETOOLONG", "EINVAL")) {
      throw new HoyError("invalid", `${path} is not a usable path`, { cause });
    }
    throw cause;
  }
}
