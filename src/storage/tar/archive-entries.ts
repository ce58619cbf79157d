// Entries of the archives that images travel in: directories, documents and files, of nobody and of no time, so that the
// same images give the same bytes.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { HoyError } from "../../base/error.ts";
import { formatHeader, paddingAfter } from "./writer.ts";

const plain = {
  linkname: "",
  uid: 0,
  gid: 0,
  mtime: 0n,
  device: { major: 0, minor: 0 },
  xattrs: new Map<string, Uint8Array>(),
};

export function archiveDirectory(name: string): Uint8Array {
  return formatHeader({ ...plain, type: "dir", name: `${name}/`, mode: 0o755, size: 0 });
}

export function* archiveDocument(name: string, bytes: Uint8Array): Generator<Uint8Array, void, void> {
  yield formatHeader({ ...plain, type: "file", name, mode: 0o644, size: bytes.byteLength });
  yield bytes;
  yield paddingAfter(bytes.byteLength);
}

export async function* archiveFile(
  name: string,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const { size } = await stat(path);
  yield formatHeader({ ...plain, type: "file", name, mode: 0o644, size });
  let sent = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
    sent += chunk.length;
    yield chunk;
  }
  if (sent !== size) throw new HoyError("internal", `${path} changed while it was read`);
  yield paddingAfter(size);
}
