// Asking the real resolvers: a question that is not ours goes on as it came, over the protocol it came by.
// A fresh socket (so a fresh source port) for each; an answer counts only from the resolver asked, with the same id.

import dgram from "node:dgram";
import net from "node:net";

const TIMEOUT_MS = 4000;
const MAX_ANSWER = 65_535;

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
    socket.on("message", (answer, from) => {
      if (from.port === port && sameId(query, answer)) done(answer);
    });
    socket.send(query, port, host);
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
      done(sameId(query, answer) ? answer : undefined);
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

function sameId(query: Uint8Array, answer: Uint8Array): boolean {
  return answer.length >= 12 && query[0] === answer[0] && query[1] === answer[1];
}

/** "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353". */
function parseResolver(text: string): { host: string; port: number } {
  const bracketed = text.match(/^\[([^\]]+)\](?::(\d+))?$/);
  if (bracketed?.[1] !== undefined) return { host: bracketed[1], port: Number(bracketed[2] ?? 53) };
  const v4 = text.match(/^([\d.]+):(\d+)$/);
  if (v4?.[1] !== undefined) return { host: v4[1], port: Number(v4[2]) };
  return { host: text, port: 53 };
}
