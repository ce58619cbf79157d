// /containers/{id}/attach/ws: attach for programs that can only speak WebSocket. Both outputs go raw, never in frames
// of stdcopy; input comes in messages of any kind.

import type { Duplex } from "node:stream";
import { HoyError } from "../../../base/error.ts";
import type { AttachStream } from "../../backend.ts";
import type { Call } from "../call.ts";
import { detach, LINGER, pumpOutput } from "../hijack.ts";
import type { Route } from "../router.ts";
import { acceptKey, encodeFrame, FrameDecoder, OPCODE, type Opcode } from "../websocket.ts";
import { attachOptions } from "./streams.ts";

export const webSocketRoutes: readonly Route[] = [
  { method: "GET", path: "/containers/{id*}/attach/ws", handler: attach, hijack: true },
];

const NORMAL = Buffer.from([0x03, 0xe8]);
const PROTOCOL_ERROR = Buffer.from([0x03, 0xea]);

async function attach(call: Call): Promise<void> {
  if (call.header("upgrade").toLowerCase() !== "websocket" || call.header("sec-websocket-version") !== "13") {
    throw new HoyError("invalid", "this route speaks WebSocket (version 13) only");
  }
  const accept = acceptKey(call.header("sec-websocket-key"));
  // Before 1.42 the parameters of the streams were not looked at.
  const all = call.atLeast("1.42") ? {} : { stdin: true, stdout: true, stderr: true };
  const options = { ...attachOptions(call), ...all };
  const stream = await call.backend.containers.attach(call.param("id"), options, call.signal);
  const socket = detach(call, [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
  ]);
  const wanted = options.stdin && options.stream;
  pumpMessages(socket, stream, wanted, call.parts.early);
  const kind = call.atLeast("1.28") ? OPCODE.binary : OPCODE.text;
  await pumpOutput(call, socket, stream, ({ data }) => encodeFrame(kind, data));
  if (!socket.destroyed) socket.end(encodeFrame(OPCODE.close, NORMAL));
  setTimeout(() => socket.destroy(), LINGER).unref();
}

function pumpMessages(socket: Duplex, stream: AttachStream, wanted: boolean, early: Uint8Array): void {
  const decoder = new FrameDecoder();
  const answer = (opcode: Opcode, data: Uint8Array) => socket.write(encodeFrame(opcode, data));
  const read = async (bytes: Uint8Array): Promise<void> => {
    for (const { opcode, data } of decoder.push(bytes)) {
      if (opcode === OPCODE.ping) answer(OPCODE.pong, data);
      else if (opcode === OPCODE.close) socket.end(encodeFrame(OPCODE.close, data.subarray(0, 2)));
      else if (opcode <= OPCODE.binary && wanted) await stream.write(data);
    }
  };
  const take = (bytes: Uint8Array): void => {
    socket.pause();
    read(bytes).then(
      () => socket.resume(),
      () => socket.end(encodeFrame(OPCODE.close, PROTOCOL_ERROR)),
    );
  };
  socket.on("data", take);
  socket.on("end", () => socket.destroy());
  if (early.length > 0) take(early);
  else socket.resume();
}
