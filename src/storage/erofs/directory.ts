// Directory blocks of EROFS: entries of 12 bytes, then the names, in each block for itself; names in order of their
// bytes over the whole directory, so that the kernel can search by halves (erofs.rst, "Directories").

import type { RawText } from "../tar/entry.ts";

const ENTRY = 12;

export interface DirectoryItem {
  readonly name: RawText;
  readonly nid: number;
  readonly fileType: number;
}

/** Names in the order that the format wants, cut into blocks; each block's names fit it with their entries. */
export function splitDirectory(names: readonly RawText[], blockSize: number): RawText[][] {
  const blocks: RawText[][] = [];
  let block: RawText[] = [];
  let used = 0;
  for (const name of [...names].sort()) {
    const length = ENTRY + name.length;
    if (used + length > blockSize) {
      blocks.push(block);
      block = [];
      used = 0;
    }
    block.push(name);
    used += length;
  }
  blocks.push(block);
  return blocks;
}

/** Bytes of a directory: all its blocks are full but the last, which ends with its last name. */
export function directorySize(blocks: readonly (readonly RawText[])[], blockSize: number): number {
  const last = blocks.at(-1) ?? [];
  return (blocks.length - 1) * blockSize + last.reduce((sum, name) => sum + ENTRY + name.length, 0);
}

/** Writes one block at `at`; the rest of the block is zeros already. */
export function writeDirectoryBlock(image: Buffer, at: number, items: readonly DirectoryItem[]): void {
  let nameOffset = items.length * ENTRY;
  for (const [index, { name, nid, fileType }] of items.entries()) {
    const entry = at + index * ENTRY;
    image.writeBigUInt64LE(BigInt(nid), entry);
    image.writeUInt16LE(nameOffset, entry + 8);
    image.writeUInt8(fileType, entry + 10);
    image.write(name, at + nameOffset, "latin1");
    nameOffset += name.length;
  }
}
