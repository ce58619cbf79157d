// fsutil's DiffCopy as the one who receives: the files of a result into a directory here, over what is there already.
// Nothing is written through a link: every directory on the way is one that this transfer made or found to be real.
// What comes belongs to the user; set-id bits and devices do not come along.

import { createWriteStream, type WriteStream } from "node:fs";
import { chmod, link, lstat, lutimes, mkdir, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { Packet_PacketType as Kind, type Packet, type Stat } from "../../../build/buildkit/proto/gen/fsutil_pb.ts";
import { permissionsOf, typeOf } from "../../../build/buildkit/session/go-mode.ts";

/** Set-id bits are another user's rights, which a copy here must not give. */
const MODE = 0o1777;
/** Files asked for and not yet here. */
const AHEAD = 64;
const NS_PER_S = 1_000_000_000;

interface Incoming {
  readonly id: number;
  readonly path: string;
  readonly stat: Stat;
}

export async function* receiveDirectory(root: string, packets: AsyncIterable<Packet>) {
  const incoming = packets[Symbol.asyncIterator]();
  await mkdir(root, { recursive: true });
  const { files, directories, links } = await makeTree(root, incoming);
  const open = new Map<number, { readonly file: Incoming; readonly stream: WriteStream }>();
  let next = 0;
  try {
    for (;;) {
      for (; open.size < AHEAD; next++) {
        const file = files[next];
        if (file === undefined) break;
        // A new file, never one that is there: between a look and the opening somebody could have put a link.
        const stream = createWriteStream(besides(file.path), { flags: "wx", mode: 0o600 });
        open.set(file.id, { file, stream });
        yield { type: Kind.PACKET_REQ, id: file.id };
      }
      if (open.size === 0) break;
      const packet = await nextOf(incoming);
      const asked = packet.type === Kind.PACKET_DATA ? open.get(packet.id) : undefined;
      if (asked === undefined) throw new HoyError("invalid", "the engine sent what nobody asked for");
      if (packet.data.length > 0) {
        await write(asked.stream, packet.data);
        continue;
      }
      await ended(asked.stream);
      await settle(besides(asked.file.path), asked.file.stat);
      await rename(besides(asked.file.path), asked.file.path);
      open.delete(packet.id);
    }
  } finally {
    for (const { file, stream } of open.values()) {
      stream.destroy();
      await rm(besides(file.path), { force: true });
    }
  }
  for (const { from, to } of links) {
    await rm(to, { force: true });
    await link(from, to);
  }
  // Deepest first: a directory without write permission must be full by then.
  for (const { path, stat } of directories.reverse()) await settle(path, stat);
  yield { type: Kind.PACKET_FIN };
}

/** Reads the list and makes all but the contents. */
async function makeTree(root: string, incoming: AsyncIterator<Packet>) {
  const files: Incoming[] = [];
  const directories: { readonly path: string; readonly stat: Stat }[] = [];
  const links: { readonly from: string; readonly to: string }[] = [];
  const known = new Set([root]);
  for (let id = 0; ; id++) {
    const { type, stat, data } = await nextOf(incoming);
    if (type === Kind.PACKET_ERR) throw new HoyError("internal", `error from sender: ${Buffer.from(data).toString()}`);
    if (type !== Kind.PACKET_STAT) throw new HoyError("invalid", "the engine sent content nobody asked for");
    if (stat === undefined) return { files, directories, links };
    const path = placeOf(root, stat.path);
    if (!known.has(dirname(path))) throw new HoyError("invalid", `${stat.path} has no parent`);
    const kind = typeOf(stat.mode);
    if (kind === "dir") {
      const found = await lstat(path).catch(() => undefined);
      if (found !== undefined && !found.isDirectory()) await rm(path);
      if (found?.isDirectory() !== true) await mkdir(path, { mode: 0o700 });
      known.add(path);
      directories.push({ path, stat });
    } else if (kind === "file") {
      const found = await lstat(path).catch(() => undefined);
      if (found?.isDirectory() === true)
        throw new HoyError("conflict", `cannot overwrite directory ${path} with a file`);
      if (stat.linkname !== "") links.push({ from: placeOf(root, stat.linkname), to: path });
      else files.push({ id, path, stat });
    } else if (kind === "symlink") {
      await rm(path, { force: true });
      await symlink(stat.linkname, path);
      const time = secondsOf(stat);
      await lutimes(path, time, time);
    }
    // Devices, pipes: not for a user's directory.
  }
}

/** @throws HoyError for a name that is not in its shortest form, or leads out. */
function placeOf(root: string, name: string): string {
  const parts = name.split("/");
  const isWrong = parts.some((part) => part === "" || part === "." || part === "..") || name.includes("\0");
  if (isWrong) throw new HoyError("invalid", `the engine sent a bad name: ${JSON.stringify(name.slice(0, 200))}`);
  return join(root, ...parts);
}

function besides(path: string): string {
  return join(dirname(path), `.hoy-${process.pid}-${Bun.hash(path).toString(36)}`);
}

async function settle(path: string, stat: Stat): Promise<void> {
  await chmod(path, permissionsOf(stat.mode) & MODE);
  const time = secondsOf(stat);
  await lutimes(path, time, time);
}

const secondsOf = ({ modTime }: Stat) => Number(modTime) / NS_PER_S;

async function nextOf(packets: AsyncIterator<Packet>): Promise<Packet> {
  const next = await packets.next();
  if (next.done === true) throw new HoyError("unavailable", "the engine stopped sending files");
  return next.value;
}

function write(stream: WriteStream, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => stream.write(data, (error) => (error ? reject(error) : resolve())));
}

function ended(stream: WriteStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once("error", reject);
    stream.end(() => resolve());
  });
}
