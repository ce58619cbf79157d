// The files of one log: `path` is written to, `path.1`, `path.2` … are older, with ".gz" when compressed. They are
// opened all at once, so that a rotation in the middle of a read takes nothing away.

import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createGunzip } from "node:zlib";
import { isErrno } from "../../linux/libc.ts";

const CHUNK = 64 * 1024;

export interface LogFile {
  readonly handle: FileHandle;
  readonly compressed: boolean;
  /** 0 is the one that is written to. */
  readonly number: number;
  readonly inode: number;
}

/** Oldest first. The caller closes them (`closeAll`). */
export async function openLogFiles(path: string): Promise<LogFile[]> {
  for (let attempt = 0; ; attempt++) {
    const files = await openOnce(path);
    // A rotation while they were opened could have hidden one or shown one twice: then once more.
    const now = await inodeOf(path);
    const newest = files.at(-1);
    if (attempt >= 5 || now === (newest?.number === 0 ? newest.inode : undefined)) return files;
    await closeAll(files);
  }
}

async function openOnce(path: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  try {
    const found = await rotated(path);
    for (const { name, number, compressed } of found) {
      const handle = await openIfThere(join(dirname(path), name));
      if (handle === undefined) continue;
      const { ino: inode } = await handle.stat();
      if (files.some((file) => file.inode === inode || (file.number === number && !file.compressed))) {
        await handle.close();
        continue;
      }
      files.push({ handle, compressed, number, inode });
    }
    return files.sort((a, b) => b.number - a.number);
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/** Plain ones before compressed ones of the same number: while a file is compressed both are there. */
async function rotated(path: string) {
  const base = basename(path);
  const found: { name: string; number: number; compressed: boolean }[] = [];
  for (const name of await names(dirname(path))) {
    if (!name.startsWith(base)) continue;
    const match = /^(?:\.(\d{1,4})(\.gz)?)?$/.exec(name.slice(base.length));
    if (match !== null) found.push({ name, number: Number(match[1] ?? 0), compressed: match[2] !== undefined });
  }
  return found.sort((a, b) => a.number - b.number || Number(a.compressed) - Number(b.compressed));
}

async function names(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

export async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

export async function closeAll(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.handle.close()));
}

/** From an offset to the end as it is when that is reached, or to another offset; unpacked. */
export async function* contents(
  file: LogFile,
  offset = 0,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array, void, void> {
  if (file.compressed) {
    const packed = file.handle.createReadStream({ autoClose: false, start: 0 });
    const plain = createGunzip();
    packed.on("error", (error) => plain.destroy(error));
    yield* packed.pipe(plain);
    return;
  }
  for (let at = offset; at < end; ) {
    const chunk = await readAt(file.handle, at, Math.min(CHUNK, end - at));
    if (chunk.length === 0) return;
    at += chunk.length;
    yield chunk;
  }
}

export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
