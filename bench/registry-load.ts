// Load for a registry by plain sockets: requests one after the other on connections that are kept, and an upload as a
// stream. As little work as can be on this side, as it shares the machine with what it measures.

import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

export interface Load {
  readonly requestsPerSecond: number;
  readonly megabytesPerSecond: number;
  /** Answers that were not 200, and connections that broke. */
  readonly errors: number;
}

/** GETs `path` on `connections` sockets for `seconds`. */
export async function load(address: string, path: string, connections: number, seconds: number): Promise<Load> {
  const request = `GET ${path} HTTP/1.1\r\nHost: ${address}\r\nAccept: application/vnd.oci.image.manifest.v1+json\r\n\r\n`;
  const totals = { requests: 0, bytes: 0, errors: 0 };
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(Array.from({ length: connections }, () => client(address, request, end, totals)));
  const took = (performance.now() - start) / 1000;
  const megabytes = totals.bytes / 1e6;
  return { requestsPerSecond: totals.requests / took, megabytesPerSecond: megabytes / took, errors: totals.errors };
}

function client(
  address: string,
  request: string,
  end: number,
  totals: { requests: number; bytes: number; errors: number },
): Promise<void> {
  const socket = open(address);
  let head = "";
  /** Bytes of the body still to come; undefined: the head is not whole. */
  let left: number | undefined;
  return new Promise((resolve) => {
    socket.on("connect", () => socket.write(request));
    socket.on("error", () => totals.errors++);
    socket.on("close", () => resolve());
    socket.on("data", (data) => {
      totals.bytes += data.length;
      if (left === undefined) {
        head += data.toString("latin1");
        const stop = head.indexOf("\r\n\r\n");
        if (stop < 0) return;
        const length = /content-length: (\d+)/i.exec(head)?.[1];
        if (!head.startsWith("HTTP/1.1 200") || length === undefined) {
          totals.errors++;
          socket.destroy();
          return;
        }
        left = Number(length) - (head.length - stop - 4);
      } else left -= data.length;
      if (left > 0) return;
      totals.requests++;
      left = undefined;
      head = "";
      if (performance.now() < end) socket.write(request);
      else socket.end();
    });
  });
}

/** Pushes a blob of `size` random-looking bytes. @returns its digest and how long it took, in seconds */
export async function pushBlob(address: string, repository: string, size: number) {
  const piece = randomBytes(4 * 1024 * 1024);
  const pieces = Math.ceil(size / piece.length);
  const hash = createHash("sha256");
  for (let at = 0; at < pieces; at++) hash.update(piece);
  const digest = `sha256:${hash.digest("hex")}`;
  const start = performance.now();
  const location = await ask(address, `POST /v2/${repository}/blobs/uploads/`, 202);
  const target = new URL(location, `http://${address}`);
  await send(address, target.pathname + target.search, digest, piece, pieces);
  return { digest, size: pieces * piece.length, seconds: (performance.now() - start) / 1000 };
}

/** @returns where it says to go on */
async function ask(address: string, line: string, status: number): Promise<string> {
  const [method = "", path = ""] = line.split(" ");
  const answer = await fetch(`http://${address}${path}`, { method });
  if (answer.status !== status) throw new Error(`${line}: ${answer.status} ${await answer.text()}`);
  return answer.headers.get("location") ?? "";
}

async function send(address: string, path: string, digest: string, piece: Buffer, pieces: number): Promise<void> {
  const socket = open(address);
  const url = `${path}${path.includes("?") ? "&" : "?"}digest=${digest}`;
  let answer = "";
  const ended = new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      if (answer.includes("\r\n\r\n")) resolve();
    });
  });
  const length = pieces * piece.length;
  const type = "Content-Type: application/octet-stream";
  socket.write(`PUT ${url} HTTP/1.1\r\nHost: ${address}\r\n${type}\r\nContent-Length: ${length}\r\n\r\n`);
  for (let at = 0; at < pieces; at++)
    if (!socket.write(piece)) await new Promise<void>((resolve) => socket.once("drain", () => resolve()));
  await ended;
  socket.destroy();
  if (!answer.startsWith("HTTP/1.1 201")) throw new Error(`push: ${answer.slice(0, 300)}`);
}

function open(address: string): Socket {
  const [host = "", port = ""] = address.split(":");
  return connect(Number(port), host);
}
