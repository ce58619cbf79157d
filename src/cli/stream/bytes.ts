// Reading an answer's body: whole, as JSON, line by line.

import { HoyError } from "../../base/error.ts";

const MAX_TEXT = 256 << 20;
const MAX_LINE = 16 << 20;

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > MAX_TEXT) throw new HoyError("too-large", "the engine's answer is too large");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

export async function jsonOf<T>(body: AsyncIterable<Uint8Array>): Promise<T> {
  const text = await textOf(body);
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new HoyError("unavailable", "the engine's answer is not JSON", { cause });
  }
}

/** The JSON values of a stream that has one a line. */
export async function* jsonLines<T>(body: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const line of textLines(body)) yield parseLine<T>(line);
}

/** The lines of a stream that are not blank. */
export async function* textLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of body) {
    rest += decoder.decode(piece, { stream: true });
    if (rest.length > MAX_LINE) throw new HoyError("too-large", "a line of the engine's answer is too large");
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield line;
  }
  if (rest.trim() !== "") yield rest;
}

export function parseLine<T>(line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw new HoyError("unavailable", "the engine sent a line that is not JSON", { cause });
  }
}
