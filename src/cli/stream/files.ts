// Bytes between files here and the engine, in pieces that are worth a system call.

import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { lazy } from "../base/builtin.ts";
import { ExitError } from "../base/errors.ts";
import type { Output } from "../base/output.ts";

const CHUNK = 256 << 10;

export async function* fileChunks(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    // A new buffer each time: the last may still be on its way out.
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Writes beside and renames, so that a failure leaves no half file and no loss of the old one. */
export async function writeFileWhole(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = `${path}.${lazy.crypto.randomBytes(6).toString("hex")}.tmp`;
  const file = await open(draft, "wx", 0o600);
  try {
    for await (const data of body) await file.write(data);
    await file.sync();
    await file.close();
    await rename(draft, path);
  } catch (thrown) {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw thrown;
  }
}

/** -o FILE of save and export: checked before the engine is asked. @throws ExitError */
export async function checkOutputPath(path: string, cwd: string, what: string): Promise<string> {
  const file = resolve(cwd, path);
  const parent = await stat(dirname(file)).catch(() => undefined);
  if (parent === undefined || !parent.isDirectory())
    throw new ExitError(1, `failed to ${what}: invalid output path: stat ${dirname(path)}: no such file or directory`);
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory() === true)
    throw new ExitError(1, `failed to ${what}: invalid output path: ${JSON.stringify(path)} must be a regular file`);
  return file;
}

export async function copyTo(out: Output, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const data of body) await out.write(data);
}
