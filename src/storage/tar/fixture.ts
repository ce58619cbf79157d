// For tests of the tar codec: archives made of headers, headers that lie, and all that an archive has.

import type { TarEntry } from "./entry.ts";
import { readTar } from "./reader.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter, type TarHeader } from "./writer.ts";

export async function* pieces(archive: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size);
}

export async function readEverything(archive: Uint8Array, size = 65536): Promise<{ entry: TarEntry; data: Buffer }[]> {
  const found: { entry: TarEntry; data: Buffer }[] = [];
  for await (const { entry, data } of readTar(pieces(archive, size))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of data) chunks.push(chunk);
    found.push({ entry, data: Buffer.concat(chunks) });
  }
  return found;
}

export const PLAIN: TarHeader = {
  type: "file",
  name: "file",
  linkname: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0n,
  device: { major: 0, minor: 0 },
  xattrs: new Map(),
};

export function archiveOf(...files: { header: Partial<TarHeader>; data?: Uint8Array }[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { header, data = new Uint8Array(0) } of files) {
    parts.push(formatHeader({ ...PLAIN, size: data.length, ...header }), data, paddingAfter(data.length));
  }
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** A header block with fields changed and its checksum made right again. */
export function patched(header: Partial<TarHeader>, patch: (block: Buffer) => void): Buffer {
  const block = formatHeader({ ...PLAIN, ...header });
  patch(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
