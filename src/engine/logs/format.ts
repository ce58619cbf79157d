// The two shapes of a container's log on disk, as the shim writes them: json-file's lines (Docker's own), and the
// records of `local` (shim/PROTOCOL.md, "The local driver's file"). Bytes in, entries out; what makes no sense is
// passed over, since a log may end in the middle of an entry after a power cut.

import { HoyError } from "../../base/error.ts";
import { parseRfc3339 } from "../time.ts";

export interface LogEntry {
  readonly stream: "stdout" | "stderr";
  /** ns since the epoch. */
  readonly time: bigint;
  /** With its newline, but for a piece of a long line. */
  readonly line: Uint8Array;
  readonly attrs: Readonly<Record<string, string>>;
}

export interface LogFormat {
  /** A decoder for one run of bytes; it keeps what is not a whole entry yet. */
  decoder(): (chunk: Uint8Array) => LogEntry[];
  /**
   * Where the last `wanted` entries of a file begin, reading backwards. `read` gives bytes by offset and length.
   */
  tail(read: ReadAt, size: number, wanted: number): Promise<{ offset: number; count: number }>;
}

export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

/** Longer than the shim's longest entry (16 KiB of output, each byte six characters, and attributes). */
const LONGEST = 1024 * 1024;
const CHUNK = 64 * 1024;
const NEWLINE = 10;
const NO_ATTRS: Readonly<Record<string, string>> = {};

export function logFormat(driver: string): LogFormat {
  if (driver === "json-file") return JSON_FILE;
  if (driver === "local") return LOCAL;
  throw new HoyError("not-implemented", "configured logging driver does not support reading");
}

const JSON_FILE: LogFormat = {
  decoder() {
    let rest: Uint8Array = new Uint8Array();
    return (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const entries: LogEntry[] = [];
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        const entry = jsonEntry(bytes.subarray(start, end));
        if (entry !== undefined) entries.push(entry);
        start = end + 1;
      }
      rest = bytes.length - start > LONGEST ? new Uint8Array() : bytes.slice(start);
      return entries;
    };
  },

  async tail(read, size, wanted) {
    let end = size;
    let count = 0;
    while (end > 0) {
      const from = Math.max(0, end - CHUNK);
      const bytes = await read(from, end - from);
      for (let at = bytes.length - 1; at >= 0; at--) {
        if (bytes[at] !== NEWLINE) continue;
        // The newline that ends the entry before the wanted ones.
        if (count === wanted) return { offset: from + at + 1, count };
        count++;
      }
      end = from;
    }
    return { offset: 0, count };
  },
};

function jsonEntry(bytes: Uint8Array): LogEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { log = "", stream, time, attrs } = value as Readonly<Record<string, unknown>>;
  if (typeof log !== "string" || typeof time !== "string") return undefined;
  const ns = parseRfc3339(time);
  if (ns === undefined) return undefined;
  return {
    stream: stream === "stderr" ? "stderr" : "stdout",
    time: ns,
    line: Buffer.from(log, "utf8"),
    attrs: typeof attrs === "object" && attrs !== null ? (attrs as Record<string, string>) : NO_ATTRS,
  };
}

const HEAD = 16;

const LOCAL: LogFormat = {
  decoder() {
    let rest = Buffer.alloc(0);
    return (chunk) => {
      const bytes = Buffer.concat([rest, chunk]);
      const entries: LogEntry[] = [];
      let at = 0;
      while (bytes.length - at >= 4) {
        const body = bytes.readUInt32LE(at);
        if (body < HEAD || body > LONGEST) {
          // Nothing after it can be told apart.
          at = bytes.length;
          break;
        }
        if (bytes.length - at < body + 8) break;
        entries.push(localEntry(bytes.subarray(at + 4, at + 4 + body)));
        at += body + 8;
      }
      rest = Buffer.from(bytes.subarray(at));
      return entries;
    };
  },

  async tail(read, size, wanted) {
    let end = size;
    let count = 0;
    while (end >= HEAD + 8 && count < wanted) {
      const body = Buffer.from(await read(end - 4, 4)).readUInt32LE(0);
      if (body < HEAD || body + 8 > end) break;
      end -= body + 8;
      count++;
    }
    return { offset: end < HEAD + 8 && count < wanted ? 0 : end, count };
  },
};

function localEntry(body: Buffer): LogEntry {
  const attrsLength = Math.min(body.readUInt32LE(12), body.length - HEAD);
  const attrs = body.toString("utf8", HEAD, HEAD + attrsLength);
  const line = body.subarray(HEAD + attrsLength);
  return {
    stream: body.readUInt8(8) === 2 ? "stderr" : "stdout",
    time: body.readBigUInt64LE(0),
    line: body.readUInt8(9) !== 0 ? Buffer.from(line) : Buffer.concat([line, Buffer.of(NEWLINE)]),
    attrs: attrs === "" ? NO_ATTRS : JSON.parse(attrs),
  };
}
