// One HTTP/1.1 exchange over a wire (RFC 9112): the request is written, the head of the answer is read, the body is
// handed on as it comes. After an answer that switches protocols, or hijacks without saying so, the wire is the caller's.

import { HoyError } from "../../base/error.ts";
import type { Wire } from "./wire.ts";

export interface RequestHead {
  readonly method: string;
  /** Path and query, already encoded. */
  readonly target: string;
  /** A list: a line for each. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

const MAX_HEAD = 256 * 1024;
/** RFC 9112, section 2.2: a line may end in a line feed alone. */
const END_OF_HEAD = /\r?\n\r?\n/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Bytes that were read past what was wanted go back, to be read first. */
export class Reader {
  readonly wire: Wire;
  #rest: Uint8Array | undefined;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  async read(): Promise<Uint8Array | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    return rest ?? (await this.wire.read());
  }

  putBack(data: Uint8Array): void {
    if (data.length > 0) this.#rest = data;
  }

  /** Everything until the other side closes its half. */
  async *all(): AsyncGenerator<Uint8Array> {
    for (let data = await this.read(); data !== undefined; data = await this.read()) yield data;
  }

  /** The lines of a head without the empty one, taken apart at once: heads are most of what a client gets. */
  async head(limit: number): Promise<string[]> {
    let text = "";
    for (;;) {
      const data = await this.read();
      if (data === undefined) throw cut();
      const before = text.length;
      text += decoder.decode(data);
      // Said at once: what speaks another protocol may wait for us to speak first.
      if (!text.startsWith("HTTP/".slice(0, text.length))) throw notHttp();
      const end = END_OF_HEAD.exec(text);
      if ((end?.index ?? text.length) > limit)
        throw new HoyError("unavailable", "the engine's answer has too large a head");
      if (end === null) continue;
      this.putBack(data.subarray(end.index + end[0].length - before));
      return text.slice(0, end.index).split(/\r?\n/);
    }
  }

  /** One line without its end. */
  async line(limit: number): Promise<string> {
    let text = "";
    for (;;) {
      const data = await this.read();
      if (data === undefined) throw cut();
      const end = data.indexOf(10);
      text += decoder.decode(end < 0 ? data : data.subarray(0, end));
      if (text.length > limit) throw new HoyError("unavailable", "the engine's answer has too long a line");
      if (end < 0) continue;
      this.putBack(data.subarray(end + 1));
      return text.endsWith("\r") ? text.slice(0, -1) : text;
    }
  }
}

/** The request's head, and a body of known length right behind it, in one write. */
export async function writeRequest(wire: Wire, request: RequestHead, body?: Uint8Array): Promise<void> {
  const lines = [`${request.method} ${request.target} HTTP/1.1`];
  for (const [name, values] of Object.entries(request.headers)) {
    for (const value of typeof values === "string" ? [values] : values) {
      if (/[\r\n\0]/.test(value)) throw new HoyError("invalid", `the header ${name} holds a line break`);
      lines.push(`${name}: ${value}`);
    }
  }
  const head = encoder.encode(`${lines.join("\r\n")}\r\n\r\n`);
  if (body === undefined || body.length === 0) return wire.write(head);
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return wire.write(whole);
}

/** A body of unknown length, in chunks; ends the body, not the wire. */
export async function writeChunked(wire: Wire, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of body) {
    if (piece.length === 0) continue;
    const size = encoder.encode(`${piece.length.toString(16)}\r\n`);
    const whole = new Uint8Array(size.length + piece.length + 2);
    whole.set(size);
    whole.set(piece, size.length);
    whole.set([13, 10], size.length + piece.length);
    await wire.write(whole);
  }
  await wire.write(encoder.encode("0\r\n\r\n"));
}

/** @throws HoyError "unavailable" when what answers is not HTTP, or goes away. */
export async function readHead(reader: Reader): Promise<ResponseHead> {
  for (;;) {
    const [first = "", ...lines] = await reader.head(MAX_HEAD);
    const found = /^HTTP\/1\.[01] ([0-9]{3})(?: |$)/.exec(first);
    if (found === null) throw notHttp();
    const status = Number(found[1]);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    if (status === 101 || status >= 200) return { status, headers };
  }
}

/**
 * The body; `whole` is called when it was read to its end and the wire may be used again. Ends with an error when the
 * connection closes before that.
 */
export async function* readBody(reader: Reader, method: string, head: ResponseHead, whole: () => void) {
  const { status, headers } = head;
  if (method === "HEAD" || status === 204 || status === 304) return whole();
  if ((headers.get("transfer-encoding") ?? "").toLowerCase().includes("chunked")) {
    yield* readChunks(reader);
    return whole();
  }
  const length = headers.get("content-length");
  if (length === undefined) {
    yield* reader.all();
    return;
  }
  yield* readExactly(reader, Number(length));
  whole();
}

async function* readChunks(reader: Reader): AsyncGenerator<Uint8Array> {
  for (;;) {
    const line = await reader.line(1024);
    const size = Number.parseInt(line, 16);
    if (!/^[0-9a-fA-F]{1,13}\s*(;|$)/.test(line)) throw new HoyError("unavailable", "the engine sent a bad chunk");
    if (size > 0) yield* readExactly(reader, size);
    const end = await reader.line(MAX_HEAD);
    if (size > 0) continue;
    for (let trailer = end; trailer !== ""; trailer = await reader.line(MAX_HEAD));
    return;
  }
}

async function* readExactly(reader: Reader, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  while (left > 0) {
    const data = await reader.read();
    if (data === undefined) throw cut();
    const piece = data.subarray(0, left);
    reader.putBack(data.subarray(left));
    left -= piece.length;
    yield piece;
  }
}

function notHttp(): HoyError {
  return new HoyError("unavailable", "what answered does not speak HTTP");
}

function cut(): HoyError {
  return new HoyError("unavailable", "unexpected EOF: the engine closed the connection before its answer was whole");
}
