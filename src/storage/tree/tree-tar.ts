// A directory tree, or one file, as a tar stream: what export and "copy out of a container" send.

import { HoyError } from "../../base/error.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openInRoot } from "../../linux/open.ts";
import { fdstat, S } from "../../linux/stat.ts";
import { isKernelView } from "../../linux/statfs.ts";
import { type RawText, textToRaw } from "../tar/entry.ts";
import { type IdShift, NO_SHIFT } from "./ids.ts";
import { gathered, TarStream } from "./tar-stream.ts";
import { walkTree } from "./walk.ts";

export interface TreeTarOptions {
  /**
   * What the top is called in the archive, without slashes at its ends. "/": the root, and all names begin with it, which
   * docker's client counts on. "": a directory's contents only, by their names in it.
   */
  readonly as: string;
  /** When the path is a link: what it leads to (inside the root), rather than the link itself. */
  readonly follow?: boolean;
  readonly shift?: IdShift;
  /** What is mounted inside comes as an empty directory or file. */
  readonly oneFilesystem?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Streams `path` in the tree `root` (a descriptor of a directory), links resolved inside of it. What shows the kernel
 * (proc, sysfs) comes as an empty directory. The root must stay open until the stream ends. @throws HoyError "not-found", "cancelled".
 */
export function treeTar(root: number, path: string, options: TreeTarOptions): AsyncGenerator<Uint8Array, void, void> {
  return gathered(stream(root, path, options));
}

async function* stream(root: number, path: string, options: TreeTarOptions): AsyncGenerator<Uint8Array, void, void> {
  using top = new OwnedFd(openTop(root, path, options.follow === true));
  const archive = new TarStream(options.shift ?? NO_SHIFT);
  const status = fdstat(top.fd);
  const as = textToRaw(options.as);
  if (as !== "") yield* archive.entry(as, top.fd, status);
  if ((status.mode & S.IFMT) === S.IFDIR && !isKernelView(top.fd)) yield* contents(top.fd, as, archive, options);
  yield archive.end();
}

async function* contents(
  directory: number,
  as: RawText,
  archive: TarStream,
  { oneFilesystem = false, signal }: TreeTarOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const prefix = as === "" || as === "/" ? as : `${as}/`;
  for (const { path, fd, status, mounted } of walkTree(directory, { prefix, oneFilesystem, filesOnly: true })) {
    if (signal?.aborted) throw new HoyError("cancelled", "reading a tree was cancelled");
    yield* archive.entry(path, fd, status, mounted && oneFilesystem);
  }
}

function openTop(root: number, path: string, follow: boolean): number {
  try {
    return openInRoot(root, path, follow ? O.PATH : O.PATH | O.NOFOLLOW);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
    throw new HoyError("not-found", `Could not find the file ${path}`, { cause: error });
  }
}
