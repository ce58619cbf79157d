// Asking the real resolvers: a question that is not ours goes on as it came, over the protocol it came by.
// A fresh socket (so a fresh source port) for each; an answer counts only from the resolver asked, with the same id.

import dgram from "node:dgram";
import net from "node:net";

const TIMEOUT_MS = 4000;
const MAX_ANSWER = 65_535;
/** Bytes of a message's header (RFC 1035, 4.1.1). */
const HEADER = 12;

/** The first resolver's answer that comes, tried in order; undefined when none answers. */
export async function forward(
  query: Uint8Array,
  resolvers: readonly string[],
  protocol: "udp" | "tcp",
): Promise<Uint8Array | undefined> {
  for (const resolver of resolvers.slice(0, 3)) {
    const answer = await (protocol === "udp" ? askUdp(query, resolver) : askTcp(query, resolver));
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function askUdp(query: Uint8Array, resolver: string): Promise<Uint8Array | undefined> {
  const { host, port } = parseResolver(resolver);
  const socket = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve) => {
    const timer = setTimeout(() => done(undefined), TIMEOUT_MS);
    const done = (answer: Uint8Array | undefined) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => undefined);
      socket.close();
      resolve(answer);
    };
    socket.on("error", () => done(undefined));
    // Whatever does not answer this question is not from whom it says: the one that does may still come.
    socket.on("message", (answer) => {
      if (isAnswer(query, answer)) done(answer);
    });
    // Connected: the kernel passes on what comes from there only, and tells at once when nobody listens.
    socket.connect(port, host, () => socket.send(query));
  });
}

function askTcp(query: Uint8Array, resolver: string): Promise<Uint8Array | undefined> {
  const { host, port } = parseResolver(resolver);
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    let received = Buffer.alloc(0);
    const timer = setTimeout(() => done(undefined), TIMEOUT_MS);
    const done = (answer: Uint8Array | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on("error", () => done(undefined));
    socket.on("close", () => done(undefined));
    socket.on("connect", () => socket.write(framed(query)));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const length = received.length >= 2 ? received.readUInt16BE(0) : MAX_ANSWER;
      if (received.length < 2 + length) return;
      const answer = received.subarray(2, 2 + length);
      done(isAnswer(query, answer) ? answer : undefined);
    });
  });
}

/** A message with its length before it, as DNS over TCP has it (RFC 1035, 4.2.2). */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  new DataView(bytes.buffer).setUint16(0, message.length);
  bytes.set(message, 2);
  return bytes;
}

/**
 * Whether it answers this very question (RFC 5452, 9.1): the id, the answer bit, and the question again, which a server
 * that could not read it (an error code) may leave out. What follows is the asker's to read; nothing of it is read here.
 */
function isAnswer(query: Uint8Array, answer: Uint8Array): boolean {
  if (answer.length < HEADER || query[0] !== answer[0] || query[1] !== answer[1]) return false;
  const [flags = 0, code = 0] = answer.subarray(2, 4);
  if ((flags & 0x80) === 0) return false;
  const questions = ((answer[4] ?? 0) << 8) | (answer[5] ?? 0);
  if (questions === 0) return (code & 0x0f) !== 0;
  const end = questionEnd(query);
  if (questions !== 1 || end === undefined || answer.length < end) return false;
  for (let index = HEADER; index < end; index++) {
    if (lower(query[index] ?? 0) !== lower(answer[index] ?? 0)) return false;
  }
  return true;
}

/** Where the first question of a query ends: labels, a zero, type and class. No pointer can be in it. */
function questionEnd(query: Uint8Array): number | undefined {
  let at = HEADER;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    at += 1 + length;
    if (length === 0) return at + 4 <= query.length ? at + 4 : undefined;
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353". */
function parseResolver(text: string): { host: string; port: number } {
  const bracketed = text.match(/^\[([^\]]+)\](?::(\d+))?$/);
  if (bracketed?.[1] !== undefined) return { host: bracketed[1], port: Number(bracketed[2] ?? 53) };
  const v4 = text.match(/^([\d.]+):(\d+)$/);
  if (v4?.[1] !== undefined) return { host: v4[1], port: Number(v4[2]) };
  return { host: text, port: 53 };
}
