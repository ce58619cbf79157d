// Results that go back to the client: a file as a stream of bytes, or a directory by fsutil's packets, where we are the
// one who lists and sends (see receive.ts for the other side of it).

import { HoyError } from "../../../base/error.ts";
import { readlinkat } from "../../../linux/at.ts";
import { O, OwnedFd, openInRoot } from "../../../linux/open.ts";
import { type FileStatus, S } from "../../../linux/stat.ts";
import { type RawText, rawBytes, rawToText, type TarType } from "../../../storage/tar/entry.ts";
import { walkTree } from "../../../storage/tree/walk.ts";
import { readFrom } from "../../ops/tree/data.ts";
import { methodPath } from "../grpc/service.ts";
import { Packet_PacketType as Kind } from "../proto/gen/fsutil_pb.ts";
import { FileSend, FileSync } from "../proto/gen/session_pb.ts";
import { goMode } from "./go-mode.ts";
import { MAX_FILES } from "./listing.ts";
import type { ClientSession } from "./sessions.ts";

/** Which of a build's outputs it is, to the client. */
const EXPORTER = "buildkit-attachable-exporter-id";
const PIECE = 1024 * 1024;

/** @throws HoyError when the client takes no files. */
function metadataFor(session: ClientSession, exporter: number): Map<string, readonly string[]> {
  const path = methodPath(FileSend.method.diffCopy);
  if (!session.supports(path)) throw new HoyError("invalid", `method ${path} not supported by the client`);
  return new Map([[EXPORTER, [String(exporter)]]]);
}

export async function sendFile(
  session: ClientSession,
  exporter: number,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<void> {
  const metadata = metadataFor(session, exporter);
  const call = session.client.open(FileSend.method.diffCopy, { signal, metadata });
  try {
    const sending = (async () => {
      let sent = 0;
      for await (const chunk of bytes) {
        for (let at = 0; at < chunk.length; at += PIECE) await call.send({ data: chunk.subarray(at, at + PIECE) });
        sent += chunk.length;
        progress(sent);
      }
      call.end();
    })();
    sending.catch(() => undefined);
    // It answers nothing but the end, and why.
    for await (const _ of call.answers);
    await sending;
  } finally {
    call.cancel();
  }
}

/** A tree into a directory of the client, under `prefix` where it is one of several. */
export async function sendDirectory(
  session: ClientSession,
  exporter: number,
  roots: readonly { readonly root: OwnedFd; readonly prefix: string }[],
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<void> {
  const metadata = metadataFor(session, exporter);
  const path = methodPath(FileSend.method.diffCopy);
  const call = session.client.open(FileSync.method.diffCopy, { signal, metadata, path });
  try {
    const files: { readonly root: OwnedFd; readonly path: RawText; readonly size: number }[] = [];
    const list = async () => {
      for (const { root, prefix } of roots) {
        if (prefix !== "") {
          files.push({ root, path: "", size: 0 });
          await call.send({ type: Kind.PACKET_STAT, stat: { path: prefix, mode: goMode("dir", 0o755) } });
        }
        const links = new Map<string, string>();
        for (const { path: at, fd, status } of walkTree(root.fd)) {
          const type = TYPES[status.mode & S.IFMT];
          if (type === undefined) continue;
          if (files.length >= MAX_FILES) throw new HoyError("too-large", `more than ${MAX_FILES} files`);
          const text = prefix === "" ? rawToText(at) : `${prefix}/${rawToText(at)}`;
          const linkname = linkOf(type, text, fd, status, links);
          files.push({ root, path: at, size: Number(status.size) });
          await call.send({
            type: Kind.PACKET_STAT,
            stat: {
              path: text,
              mode: goMode(type, status.mode & 0o7777),
              uid: status.uid,
              gid: status.gid,
              size: type === "file" ? BigInt(status.size) : 0n,
              modTime: status.mtime,
              linkname,
              devmajor: BigInt(status.rdev.major),
              devminor: BigInt(status.rdev.minor),
            },
          });
        }
      }
      await call.send({ type: Kind.PACKET_STAT });
    };
    const listing = list();
    listing.catch(() => call.cancel());
    let sent = 0;
    for await (const packet of call.answers) {
      if (packet.type === Kind.PACKET_FIN) {
        await listing;
        await call.send({ type: Kind.PACKET_FIN });
        call.end();
        continue;
      }
      if (packet.type === Kind.PACKET_ERR) {
        throw new HoyError("invalid", `error from receiver: ${Buffer.from(packet.data).toString().slice(0, 1000)}`);
      }
      if (packet.type !== Kind.PACKET_REQ) continue;
      const file = files[packet.id];
      if (file === undefined) throw new HoyError("invalid", `invalid file request ${packet.id}`);
      using data = new OwnedFd(openInRoot(file.root.fd, rawBytes(file.path), O.RDONLY | O.NOFOLLOW | O.NONBLOCK));
      for await (const chunk of readFrom(data.fd, 0, file.size, signal)) {
        await call.send({ type: Kind.PACKET_DATA, id: packet.id, data: chunk });
        sent += chunk.length;
        progress(sent);
      }
      await call.send({ type: Kind.PACKET_DATA, id: packet.id });
    }
    await listing;
  } finally {
    call.cancel();
  }
}

const TYPES: Readonly<Record<number, TarType>> = {
  [S.IFREG]: "file",
  [S.IFDIR]: "dir",
  [S.IFLNK]: "symlink",
  [S.IFCHR]: "char",
  [S.IFBLK]: "block",
  [S.IFIFO]: "fifo",
};

/** Target of a symlink, or the first name of a file that has several. */
function linkOf(type: TarType, path: string, fd: number, status: FileStatus, links: Map<string, string>): string {
  if (type === "symlink") return readlinkat(fd, "").toString();
  if (type !== "file" || status.nlink < 2) return "";
  const inode = `${status.inode}`;
  const first = links.get(inode);
  if (first === undefined) links.set(inode, path);
  return first ?? "";
}
