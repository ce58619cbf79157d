// The first bytes of a connection say what it speaks: HTTP/1.1, or HTTP/2 with prior knowledge (RFC 9113, section 3.4),
// which gRPC clients use. The connection is handed to the server that speaks it, its bytes put back first.

import type { Socket } from "node:net";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface Speakers {
  readonly http1: (socket: Socket) => void;
  readonly http2: (socket: Socket) => void;
}

/** Waits for enough bytes to tell. How long that may take is watched elsewhere (connection.ts). */
export function sniff(socket: Socket, speakers: Speakers): void {
  const fail = () => socket.destroy();
  let seen: Buffer = Buffer.alloc(0);
  const look = (data: Buffer) => {
    seen = seen.length === 0 ? data : Buffer.concat([seen, data]);
    const common = Math.min(seen.length, PREFACE.length);
    const http2 = seen.subarray(0, common).equals(PREFACE.subarray(0, common));
    if (http2 && seen.length < PREFACE.length) return;
    socket.removeListener("data", look);
    socket.removeListener("error", fail);
    socket.removeListener("end", fail);
    socket.pause();
    socket.unshift(seen);
    (http2 ? speakers.http2 : speakers.http1)(socket);
    socket.resume();
  };
  socket.on("data", look);
  socket.on("error", fail);
  socket.on("end", fail);
}
