// Taking a connection over: after the head of the answer both sides speak bytes, not HTTP, and each may close its half
// (attach, exec). With `Upgrade: tcp` the answer is 101, without it 200 with a body that ends with the connection.

import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { AttachStream, OutputChunk } from "../backend.ts";
import { frame } from "../stdcopy.ts";
import type { Call } from "./call.ts";
import { forward, put } from "./flow.ts";

export const RAW_STREAM = "application/vnd.docker.raw-stream";
export const MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream";

/** Time for a client to close its half once the output has ended, in milliseconds. */
export const LINGER = 10_000;
/** Milliseconds that output waits at most for a client to read the head. */
const PATIENCE = 1000;

/** Runs an attached process's streams over the connection until its output ends or the client goes. */
export async function hijackAttach(call: Call, stream: AttachStream, input: boolean): Promise<void> {
  const socket = takeOver(call, stream.tty);
  pumpInput(socket, stream, input, call.parts.early);
  // With a terminal the bytes go raw, else each piece in a frame.
  const encode = ({ stream: name, data }: OutputChunk) => (stream.tty ? data : frame(name, data));
  await pumpOutput(call, socket, stream, encode, () => headRead(socket, call.parts.options.unread));
  socket.end();
  setTimeout(() => socket.destroy(), LINGER).unref();
}

/**
 * Waits, for a short while, until the client has read the head. Some (docker-py, and what is made with it) read it through a
 * buffer which they then throw away: output that comes in one piece with it is lost to them. Nobody else waits: the head
 * is read long before a process has something to say, unless the machine is very busy.
 */
async function headRead(socket: Duplex, unread: (fd: number) => number): Promise<void> {
  const fd = descriptorOf(socket);
  if (fd === undefined) return;
  const end = Date.now() + PATIENCE;
  while (!socket.destroyed && Date.now() < end && unread(fd) > 0) await sleep(1);
}

function descriptorOf(socket: Duplex): number | undefined {
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } | null };
  return typeof handle?.fd === "number" && handle.fd >= 0 ? handle.fd : undefined;
}

/**
 * Writes the output, in the form `encode` gives it, until it ends or the client goes; lets go of the process then.
 * @param ready waited for before the first of it
 */
export async function pumpOutput(
  call: Call,
  socket: Duplex,
  stream: AttachStream,
  encode: (chunk: OutputChunk) => Uint8Array,
  ready: () => Promise<void> = async () => undefined,
): Promise<void> {
  const { log } = call.parts.options;
  const failed = (thrown: unknown) => log.warn(`output of an attached process: ${String(thrown)}`);
  socket.once("close", () => stream.close());
  try {
    let first = true;
    const take = async (chunk: OutputChunk) => {
      if (first) await ready();
      first = false;
      await put(socket, encode(chunk));
    };
    await forward(stream.output, call.signal, take, failed);
  } catch (thrown) {
    failed(thrown); // the head is long gone: the stream ends, and the log says why
  } finally {
    stream.close();
  }
}

/** Answers the head of an attach and gives the naked connection. */
function takeOver(call: Call, tty: boolean): Duplex {
  if (call.header("upgrade") === "") return detach(call, ["HTTP/1.1 200 OK", `Content-Type: ${RAW_STREAM}`]);
  const type = !tty && call.atLeast("1.42") ? MULTIPLEXED_STREAM : RAW_STREAM;
  return detach(call, ["HTTP/1.1 101 UPGRADED", `Content-Type: ${type}`, "Connection: Upgrade", "Upgrade: tcp"]);
}

/** Takes the connection from node:http, which listens to nothing of it afterwards, and writes the lines of a head. */
export function detach(call: Call, head: readonly string[]): Duplex {
  const { socket, response } = call.parts;
  response.detachSocket(socket);
  call.parts.detached();
  for (const event of ["data", "end", "drain", "timeout"]) socket.removeAllListeners(event);
  socket.on("error", () => socket.destroy());
  const common = Object.entries(response.getHeaders()).map(([name, value]) => `${name}: ${String(value)}`);
  socket.write(`${[...head, ...common].join("\r\n")}\r\n\r\n`);
  return socket;
}

/**
 * The client's bytes, one write at a time and in order, its end behind the last of them. While the process does not
 * read, the client is not read either; what was read already (a pause does not call it back) waits its turn.
 */
function pumpInput(socket: Duplex, stream: AttachStream, wanted: boolean, early: Uint8Array): void {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  const inTurn = (step: () => Promise<void> | void) => {
    waiting += 1;
    socket.pause();
    last = last.then(step).then(
      () => {
        waiting -= 1;
        if (waiting === 0) socket.resume();
      },
      () => void socket.destroy(),
    );
  };
  if (early.length > 0 && wanted) inTurn(() => stream.write(early));
  socket.on("data", (data: Uint8Array) => {
    if (wanted) inTurn(() => stream.write(data));
  });
  socket.on("end", () => {
    if (wanted) inTurn(() => stream.endInput());
  });
  if (waiting === 0) socket.resume();
}
