// Files of a driver: written beside, fsynced, renamed, so that a name only ever stands for a whole file.

import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { letGo } from "../../base/passing.ts";
import { isErrno } from "../../linux/libc.ts";
import { WriteBehind } from "../../linux/write-behind.ts";

/** A name for something half-made in `directory`, which is emptied at the next start. */
export function temporaryName(directory: string): string {
  return join(directory, `snapshot-${randomBytes(8).toString("hex")}`);
}

/** Creates `target` with these bytes, or nothing. */
export async function writeWhole(temporary: string, target: string, data: string | Uint8Array): Promise<void> {
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(data);
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await file.close();
  await rename(temporary, target);
}

/** The first `length` bytes of a file, or all of it. */
export async function readHead(path: string, length: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Makes a rename or removal in a directory last. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  await mkdir(path, { recursive: true, mode });
}

/** Bytes that wait to be written; more makes the producer wait. */
const PENDING = 1024 * 1024;

/**
 * Appends to a file while the producer goes on, with a bounded number of bytes on their way. Most of it is on the disk when
 * the last is written; that all of it is, only a sync afterwards says.
 */
export class BackgroundWriter {
  readonly #file: FileHandle;
  #batch: Uint8Array[] = [];
  #batchSize = 0;
  #writing: Promise<void> | undefined;
  #failure: unknown;
  #written = 0;
  readonly #behind: WriteBehind;

  /** @param file New and empty. */
  constructor(file: FileHandle) {
    this.#file = file;
    this.#behind = new WriteBehind(file.fd);
  }

  /** Resolves at once unless too much is waiting. @throws what an earlier write threw. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    this.#batch.push(bytes);
    this.#batchSize += bytes.length;
    this.#start();
    return this.#batchSize < PENDING ? undefined : this.#room();
  }

  async finish(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #room(): Promise<void> {
    while (this.#batchSize >= PENDING && this.#writing !== undefined) await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #start(): void {
    if (this.#writing !== undefined || this.#batch.length === 0 || this.#failure !== undefined) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchSize = 0;
    this.#writing = this.#writeAll(batch)
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .then(() => {
        this.#writing = undefined;
        this.#start();
      });
  }

  async #writeAll(batch: readonly Uint8Array[]): Promise<void> {
    // writev(2) takes at most IOV_MAX (1024) pieces, and may write less than all.
    for (let at = 0; at < batch.length; at += 1024) {
      let buffers = batch.slice(at, at + 1024);
      while (buffers.length > 0) {
        const { bytesWritten } = await this.#file.writev(buffers);
        buffers = rest(buffers, bytesWritten);
        this.#written += bytesWritten;
      }
    }
    this.#behind.grown(this.#written);
    for (const bytes of batch) letGo(bytes);
  }
}

function rest(buffers: Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  let index = 0;
  for (; index < buffers.length; index++) {
    const length = buffers[index]?.length ?? 0;
    if (skip < length) break;
    skip -= length;
  }
  const left = buffers.slice(index);
  const first = left[0];
  if (first !== undefined && skip > 0) left[0] = first.subarray(skip);
  return left;
}
