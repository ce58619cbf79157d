// Streams made plain: what the bytes are is seen in their first few, never in a name. gzip and zstd are decoded here,
// xz and bzip2 by their own programs (layers rarely have them). What comes out is bounded, since a few kilobytes can
// unfold to terabytes.

import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { HoyError } from "../base/error.ts";
import { letGo, mayGo } from "../base/passing.ts";
import { ZstdFrames } from "./zstd-frames.ts";

export type Compression = "plain" | "gzip" | "zstd" | "xz" | "bzip2";

export interface DecompressOptions {
  /** Refuse to give more than this many bytes ("too-large"). */
  readonly limit?: number;
  /** Refuse more than this many bytes out for one in, once past a gibibyte. gzip itself ends at 1032. */
  readonly ratio?: number;
  readonly signal?: AbortSignal;
  /** Nobody but the reader has use for the chunks: it may let go of their memory (base/passing.ts). */
  readonly passing?: boolean;
}

const LIMIT = 1024 ** 4;
const RATIO = 2000;
const RATIO_FROM = 1024 ** 3;
/** What a decoder gives at once, and how much it may be ahead of its reader. */
const CHUNK = 256 * 1024;
const SIZES = { chunkSize: CHUNK, readableHighWaterMark: 2 * CHUNK };
const FEED = 256 * 1024;
const MAGIC_LENGTH = 6;

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];

/** @param head The first six bytes or more, fewer only when there are no more. */
export function detectCompression(head: Uint8Array): Compression {
  // A zstd stream may begin with a skippable frame (zstd:chunked does).
  const skippable =
    head.length >= 4 && ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  if (skippable) return "zstd";
  const found = MAGIC.find(([, magic]) => magic.every((byte, index) => head[index] === byte));
  return found?.[0] ?? "plain";
}

/** @throws HoyError "invalid" while read, for a corrupt or truncated stream; "too-large" past the bounds. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const { head, stream } = await peek(source, MAGIC_LENGTH);
  const kind = detectCompression(head);
  if (kind === "plain") yield* stream;
  else yield* bounded(stream, decoders[kind], kind, options);
}

/** Looks at the first `length` bytes of a stream (fewer when it is shorter) and gives the whole stream again. */
export async function peek(
  source: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ head: Uint8Array; stream: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let have = 0;
  while (have < length) {
    const next = await iterator.next();
    if (next.done === true) break;
    chunks.push(next.value);
    have += next.value.byteLength;
  }
  return { head: Buffer.concat(chunks).subarray(0, length), stream: resume(chunks, iterator) };
}

async function* resume(chunks: readonly Uint8Array[], iterator: AsyncIterator<Uint8Array>) {
  try {
    yield* chunks;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.(undefined);
  }
}

type Decoder = (source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) => AsyncIterable<Uint8Array>;

const decoders: Record<Exclude<Compression, "plain">, Decoder> = {
  gzip: (source, signal) => through(source, createGunzip(SIZES), signal),
  zstd: zstd,
  xz: (source, signal) => program("xz", "xz-utils", ["--decompress", "--stdout", "--memlimit=512MiB"], source, signal),
  bzip2: (source, signal) => program("bzip2", "bzip2", ["--decompress", "--stdout"], source, signal),
};

async function* bounded(
  source: AsyncIterable<Uint8Array>,
  decode: Decoder,
  kind: Compression,
  { limit = LIMIT, ratio = RATIO, signal, passing = false }: DecompressOptions,
): AsyncGenerator<Uint8Array, void, void> {
  let read = 0;
  let given = 0;
  let failed: unknown;
  async function* counted() {
    try {
      for await (const chunk of source) {
        read += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      failed = error;
      throw error;
    }
  }
  try {
    for await (const chunk of decode(counted(), signal)) {
      given += chunk.byteLength;
      if (given > limit) throw new HoyError("too-large", `the ${kind} stream unfolds to more than ${limit} bytes`);
      if (given > RATIO_FROM && given > read * ratio) {
        throw new HoyError("too-large", `the ${kind} stream unfolds to more than ${ratio} times its size`);
      }
      if (passing) mayGo(chunk);
      yield chunk;
    }
  } catch (error) {
    // What went wrong with the source is not the stream's fault.
    if (failed !== undefined) throw failed;
    if (error instanceof HoyError || (error instanceof Error && error.name === "AbortError")) throw error;
    throw corrupt(kind, error);
  }
}

async function* zstd(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  const frames = new ZstdFrames();
  async function* followed() {
    for await (const chunk of source) {
      frames.push(chunk);
      yield chunk;
    }
  }
  yield* through(followed(), createZstdDecompress(SIZES), signal);
  if (!frames.complete) throw new Error("unexpected end of file");
}

async function* through(
  source: AsyncIterable<Uint8Array>,
  transform: ReturnType<typeof createGunzip>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const stop = () => transform.destroy(signal?.reason instanceof Error ? signal.reason : new Error("cancelled"));
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  const fed = feed(source, transform).catch((error: unknown) => {
    transform.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  fed.catch(() => undefined);
  try {
    yield* transform;
    await fed;
  } finally {
    signal?.removeEventListener("abort", stop);
    transform.destroy();
  }
}

/**
 * Hands the source to the decoder's thread in large pieces: each costs a turn of this thread, however short it is, in
 * which the other one waits. Two buffers take turns, so that one fills while the other is being decoded.
 */
async function feed(source: AsyncIterable<Uint8Array>, transform: ReturnType<typeof createGunzip>): Promise<void> {
  let [filling, other] = [Buffer.allocUnsafeSlow(FEED), Buffer.allocUnsafeSlow(FEED)];
  let used = 0;
  let decoding: Promise<void> = Promise.resolve();
  const hand = async () => {
    await decoding;
    decoding = written(transform, filling.subarray(0, used));
    // Thrown where it is awaited next.
    decoding.catch(() => undefined);
    [filling, other] = [other, filling];
    used = 0;
  };
  for await (const chunk of source) {
    for (let at = 0; at < chunk.byteLength; ) {
      const piece = chunk.subarray(at, at + FEED - used);
      filling.set(piece, used);
      used += piece.byteLength;
      at += piece.byteLength;
      if (used === FEED) await hand();
    }
    if (chunk.byteOffset === 0) mayGo(chunk);
  }
  if (used > 0) await hand();
  await decoding;
  // Nobody reads them any more; of one stream after another they would be megabytes that wait for the collector.
  for (const buffer of [filling, other]) {
    mayGo(buffer);
    letGo(buffer);
  }
  transform.end();
}

/** Resolves when the decoder is done with the piece; rejects when it was destroyed before that. */
function written(transform: ReturnType<typeof createGunzip>, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = () => reject(transform.errored ?? new Error("the decoder was closed"));
    if (transform.destroyed) {
      failed();
      return;
    }
    transform.once("close", failed);
    transform.write(piece, (error) => {
      transform.off("close", failed);
      if (error) reject(error);
      else resolve();
    });
  });
}

async function* program(
  name: string,
  debianPackage: string,
  args: readonly string[],
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const child = spawn(name, args, { stdio: ["pipe", "pipe", "pipe"], env: { PATH: process.env.PATH ?? "" } });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", (cause) =>
      reject(
        new HoyError("invalid", `can't read ${name} streams: the program ${name} does not start`, {
          hint: `install ${debianPackage}`,
          cause,
        }),
      ),
    );
    child.on("close", resolve);
  });
  ended.catch(() => undefined);
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < 1000) complaint += chunk.toString();
  });
  const options = signal === undefined ? {} : { signal };
  const fed = pipeline(Readable.from(source, { objectMode: true, highWaterMark: 2 }), child.stdin, options);
  fed.catch(() => undefined);
  try {
    yield* child.stdout;
    const code = await ended;
    if (code !== 0) throw new Error(complaint.trim() || `${name} ended with ${code}`);
    await fed;
  } finally {
    child.kill("SIGKILL");
  }
}

function corrupt(kind: Compression, cause: unknown): HoyError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new HoyError("invalid", `the ${kind} stream is damaged or incomplete: ${detail}`, { cause });
}
