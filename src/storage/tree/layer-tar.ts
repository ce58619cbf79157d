// A container's upper directory as a layer: what it changed, as an OCI layer's tar (layer.md#change-types). The same
// upper gives the same bytes.

import { HoyError } from "../../base/error.ts";
import { AT } from "../../linux/at.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";
import { type FileStatus, S } from "../../linux/stat.ts";
import { type RawText, rawToText } from "../tar/entry.ts";
import { NO_SHIFT } from "./ids.ts";
import { isOpaque, isWhiteout, refuseForeignMarks } from "./overlay-marks.ts";
import { gathered, TarStream } from "./tar-stream.ts";
import { walkTree } from "./walk.ts";

export interface LayerTarOptions {
  /** Leaves a file or directory out, with what is in it: mount points that only the engine put there. */
  readonly omit?: (path: RawText, status: FileStatus) => boolean;
  readonly signal?: AbortSignal;
  /** ns; later times become it (SOURCE_DATE_EPOCH). */
  readonly clamp?: bigint | undefined;
}

/** Streams the upper directory at `upper`. Owners are as on the disk. @throws HoyError "internal", "cancelled". */
export function writeLayerTar(upper: string, options: LayerTarOptions = {}): AsyncGenerator<Uint8Array, void, void> {
  return gathered(stream(upper, options));
}

async function* stream(
  upper: string,
  { omit, signal, clamp }: LayerTarOptions,
): AsyncGenerator<Uint8Array, void, void> {
  using root = new OwnedFd(openat2(AT.FDCWD, upper, { flags: O.RDONLY | O.DIRECTORY }));
  const archive = new TarStream(NO_SHIFT);
  let omitted: RawText | undefined;
  for (const { path, name, fd, status } of walkTree(root.fd)) {
    if (signal?.aborted) throw new HoyError("cancelled", "reading a container's changes was cancelled");
    if (omitted !== undefined && path.startsWith(omitted)) continue;
    if (omit?.(path, status)) {
      omitted = `${path}/`;
      continue;
    }
    if (isWhiteout(status)) {
      yield archive.marker(`${path.slice(0, path.length - name.length)}.wh.${name}`);
      continue;
    }
    if ((status.mode & S.IFMT) === S.IFDIR || (status.mode & S.IFMT) === S.IFREG) {
      refuseForeignMarks(fd, rawToText(path));
    }
    const late = clamp !== undefined && status.mtime > clamp;
    yield* archive.entry(path, fd, late ? { ...status, mtime: clamp } : status);
    if ((status.mode & S.IFMT) === S.IFDIR && isOpaque(fd)) yield archive.marker(`${path}/.wh..wh..opq`);
  }
  yield archive.end();
}
