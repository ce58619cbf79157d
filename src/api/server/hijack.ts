// Taking a connection over: after the head of the answer both sides speak bytes, not HTTP, and each may close its half
// (attach, exec). With `Upgrade: tcp` the answer is 101, without it 200 with a body that ends with the connection.

import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { AttachStream } from "../backend.ts";
import { frame } from "../stdcopy.ts";
import type { Call } from "./call.ts";
import { oneOf } from "./call.ts";

export const RAW_STREAM = "application/vnd.docker.raw-stream";
export const MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream";

/** Time for a client to close its half once the output has ended, in milliseconds. */
const LINGER = 10_000;

/** Runs an attached process's streams over the connection until its output ends or the client goes. */
export async function hijackAttach(call: Call, stream: AttachStream, input: boolean): Promise<void> {
  const socket = takeOver(call, stream.tty);
  const done = pumpOutput(socket, stream);
  pumpInput(socket, stream, input, call.parts.early);
  socket.once("close", () => stream.close());
  try {
    await done;
  } finally {
    stream.close();
    socket.end();
    setTimeout(() => socket.destroy(), LINGER).unref();
  }
}

/** Answers the head and gives the naked connection. Nothing of node:http listens to it afterwards. */
export function takeOver(call: Call, tty: boolean): Duplex {
  const { socket, response } = call.parts;
  const upgrade = call.header("upgrade");
  response.detachSocket(socket as never);
  for (const event of ["data", "end", "drain", "timeout"]) socket.removeAllListeners(event);
  socket.on("error", () => socket.destroy());
  const head =
    upgrade === ""
      ? ["HTTP/1.1 200 OK", `Content-Type: ${RAW_STREAM}`]
      : [
          "HTTP/1.1 101 UPGRADED",
          `Content-Type: ${!tty && call.atLeast("1.42") ? MULTIPLEXED_STREAM : RAW_STREAM}`,
          "Connection: Upgrade",
          `Upgrade: ${/^[!-~]{1,40}$/.test(upgrade) ? upgrade : "tcp"}`,
        ];
  const common = Object.entries(response.getHeaders()).map(([name, value]) => `${name}: ${String(value)}`);
  socket.write(`${[...head, ...common].join("\r\n")}\r\n\r\n`);
  return socket;
}

/** With a terminal the bytes go raw, else each piece in a frame. */
async function pumpOutput(socket: Duplex, stream: AttachStream): Promise<void> {
  for await (const { stream: name, data } of stream.output) {
    if (socket.destroyed) return;
    if (!socket.write(stream.tty ? data : frame(name, data))) await oneOf(socket, ["drain", "close", "error"]);
  }
}

/** The client's bytes, one write at a time: while the process does not read, the client is not read either. */
function pumpInput(socket: Duplex, stream: AttachStream, wanted: boolean, early: Uint8Array): void {
  const write = (data: Uint8Array) => {
    if (!wanted) return;
    socket.pause();
    void stream.write(data).then(
      () => socket.resume(),
      () => socket.destroy(),
    );
  };
  // An end that is seen while a write is under way comes after it: a paused socket does not end.
  socket.on("data", write);
  socket.on("end", () => {
    if (wanted) stream.endInput();
  });
  if (early.length > 0) write(Buffer.from(early));
  else socket.resume();
}
