// The EROFS on-disk format, as much of it as we write: super block, device slots, extended inodes, inline attributes,
// chunk indexes and directory blocks. Source: the kernel's Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h.
// Everything is little endian. Which bytes go where in the image is for layout.ts.

export const SUPER_OFFSET = 1024;
export const SUPER_SIZE = 128;
export const SUPER_MAGIC = 0xe0f5e1e2;
export const DEVICE_SLOT_SIZE = 128;
/** Inodes are numbered by where they are, in units of this many bytes. */
export const SLOT = 32;
export const INODE_SIZE = 64;
export const CHUNK_INDEX_SIZE = 8;
export const NAME_MAX = 255;

export const FEATURE_COMPAT = { SB_CHKSUM: 0x1, MTIME: 0x2 } as const;
export const FEATURE_INCOMPAT = { CHUNKED_FILE: 0x4, DEVICE_TABLE: 0x8 } as const;

/** Where an inode's data is: in blocks of the image, behind the inode itself, or in chunks (perhaps of other devices). */
export const LAYOUT = { PLAIN: 0, INLINE: 2, CHUNKS: 4 } as const;
/** i_u.c.format: chunk indexes rather than block addresses. */
export const CHUNK_FORMAT_INDEXES = 0x20;
/** A chunk that is a hole. */
export const NULL_ADDRESS = 0xffffffff;

export const FILE_TYPE = { file: 1, dir: 2, char: 3, block: 4, fifo: 5, symlink: 7 } as const;
export const MODE_TYPE = {
  file: 0o100000,
  dir: 0o040000,
  symlink: 0o120000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
} as const;

export interface SuperBlock {
  readonly blockBits: number;
  readonly rootNid: number;
  readonly inodes: number;
  readonly blocks: number;
  readonly uuid: Uint8Array;
  readonly devices: number;
  readonly chunked: boolean;
}

/** Where the device slots begin: right behind the super block. */
export const DEVICE_TABLE_OFFSET = SUPER_OFFSET + SUPER_SIZE;

export function writeSuperBlock(image: Buffer, sb: SuperBlock): void {
  const at = SUPER_OFFSET;
  image.writeUInt32LE(SUPER_MAGIC, at);
  image.writeUInt32LE(FEATURE_COMPAT.SB_CHKSUM | FEATURE_COMPAT.MTIME, at + 8);
  image.writeUInt8(sb.blockBits, at + 12);
  image.writeUInt16LE(sb.rootNid, at + 14);
  image.writeBigUInt64LE(BigInt(sb.inodes), at + 16);
  image.writeUInt32LE(sb.blocks, at + 36);
  image.set(sb.uuid.subarray(0, 16), at + 48);
  const incompat =
    (sb.chunked ? FEATURE_INCOMPAT.CHUNKED_FILE : 0) | (sb.devices > 0 ? FEATURE_INCOMPAT.DEVICE_TABLE : 0);
  image.writeUInt32LE(incompat, at + 80);
  image.writeUInt16LE(sb.devices, at + 86);
  image.writeUInt16LE(DEVICE_TABLE_OFFSET / DEVICE_SLOT_SIZE, at + 88);
  // The checksum is over the super block to the end of its block, itself taken as 0.
  const blockSize = 1 << sb.blockBits;
  const end = blockSize > SUPER_OFFSET ? blockSize : SUPER_OFFSET + blockSize;
  image.writeUInt32LE(crc32c(image.subarray(at, end)), at + 4);
}

export interface DeviceSlot {
  /** 64 bytes that say which device it is; the kernel ignores them when devices are given by option. */
  readonly tag: string;
  readonly blocks: number;
}

export function writeDeviceSlot(image: Buffer, index: number, slot: DeviceSlot): void {
  const at = DEVICE_TABLE_OFFSET + index * DEVICE_SLOT_SIZE;
  image.write(slot.tag, at, 64, "latin1");
  image.writeUInt32LE(slot.blocks, at + 64);
}

/** The devices that an image names, in the order in which mounting wants them. */
export function readDeviceTags(head: Buffer): string[] {
  const devices = head.readUInt16LE(SUPER_OFFSET + 86);
  const tags: string[] = [];
  for (let i = 0; i < devices; i++) {
    const at = DEVICE_TABLE_OFFSET + i * DEVICE_SLOT_SIZE;
    tags.push(head.toString("latin1", at, at + 64));
  }
  return tags;
}

export interface DiskInode {
  readonly layout: number;
  /** i_xattr_icount: 0, or 1 and the units of 4 bytes behind the attributes' header. */
  readonly xattrCount: number;
  readonly mode: number;
  readonly size: number;
  /** Block address, device number or chunk format, as the layout and type have it. */
  readonly union: number;
  readonly ino: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: bigint;
  readonly nanoseconds: number;
  readonly nlink: number;
}

/** struct erofs_inode_extended. The compact form has no time of its own, which layers always have. */
export function writeInode(image: Buffer, at: number, inode: DiskInode): void {
  const EXTENDED = 1;
  image.writeUInt16LE(EXTENDED | (inode.layout << 1), at);
  image.writeUInt16LE(inode.xattrCount, at + 2);
  image.writeUInt16LE(inode.mode, at + 4);
  image.writeBigUInt64LE(BigInt(inode.size), at + 8);
  image.writeUInt32LE(inode.union, at + 16);
  image.writeUInt32LE(inode.ino, at + 20);
  image.writeUInt32LE(inode.uid, at + 24);
  image.writeUInt32LE(inode.gid, at + 28);
  image.writeBigInt64LE(inode.seconds, at + 32);
  image.writeUInt32LE(inode.nanoseconds, at + 40);
  image.writeUInt32LE(inode.nlink, at + 44);
}

/** struct erofs_inode_chunk_index; `device` counts from 1, 0 is the image itself. */
export function writeChunkIndex(image: Buffer, at: number, device: number, block: number): void {
  image.writeUInt16LE(device, at + 2);
  image.writeUInt32LE(block, at + 4);
}

/** new_encode_dev() of include/linux/kdev_t.h. */
export function encodeDevice({ major, minor }: { major: number; minor: number }): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

const CRC_TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32C (Castagnoli) from all ones, not inverted at the end, as the kernel's crc32c(~0, …). */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return crc >>> 0;
}
