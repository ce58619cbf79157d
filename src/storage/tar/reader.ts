// Reading a tar by pulling: `for await (const { entry, data } of readTar(stream))`. Data that the loop does not read is
// passed over. Chunks are views into what the stream gave: no copies.

import { HoyError } from "../../base/error.ts";
import { rawToText, type TarEntry } from "./entry.ts";
import { TarParser } from "./parser.ts";

export interface TarItem {
  readonly entry: TarEntry;
  /** The file as one reads it, holes as zeros; can be read once, before the next entry is asked for. */
  readonly data: AsyncIterable<Uint8Array>;
}

type Event = { readonly entry: TarEntry } | { readonly data: Uint8Array };

/**
 * @param options `unpadded`: see TarParser.end
 * @throws HoyError "invalid" for a bad or truncated archive; the stream's own errors as they are.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  options: { readonly unpadded?: boolean } = {},
): AsyncGenerator<TarItem, void, void> {
  const events = new EventQueue(source, options.unpadded === true);
  try {
    for (;;) {
      const event = await events.next();
      if (event === undefined) return;
      if ("entry" in event) yield { entry: event.entry, data: contentOf(event.entry, events) };
    }
  } finally {
    await events.close();
  }
}

/** Reads one entry's data whole. @throws HoyError "too-large" past `limit` bytes. */
export async function readAll(item: TarItem, limit: number): Promise<Buffer> {
  if (item.entry.size > limit) {
    throw new HoyError("too-large", `${rawToText(item.entry.name)} in the archive is larger than ${limit} bytes`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of item.data) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* contentOf(entry: TarEntry, events: EventQueue): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for (const segment of entry.sparse ?? [{ offset: 0, length: entry.stored }]) {
    yield* zeros(segment.offset - at);
    let left = segment.length;
    while (left > 0) {
      const data = await events.data(entry, left);
      left -= data.length;
      yield data;
    }
    at = segment.offset + segment.length;
  }
  yield* zeros(entry.size - at);
}

const ZEROS = new Uint8Array(65536);

function* zeros(length: number): Generator<Uint8Array, void, void> {
  for (let left = length; left > 0; left -= ZEROS.length) yield left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS;
}

/** What the parser made of the chunks so far, in order. */
class EventQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #parser: TarParser;
  #events: Event[] = [];
  #at = 0;
  #current: TarEntry | undefined;
  #ended = false;
  readonly #unpadded: boolean;

  constructor(source: AsyncIterable<Uint8Array>, unpadded: boolean) {
    this.#unpadded = unpadded;
    this.#source = source[Symbol.asyncIterator]();
    this.#parser = new TarParser({
      entry: (entry) => this.#events.push({ entry }),
      data: (data) => this.#events.push({ data }),
    });
  }

  async next(): Promise<Event | undefined> {
    while (this.#at === this.#events.length) if (!(await this.#fill())) return undefined;
    const event = this.#events[this.#at++];
    if (event !== undefined && "entry" in event) this.#current = event.entry;
    return event;
  }

  /** At most `limit` bytes of `entry`'s data; what a chunk has beyond them stays for the next call. */
  async data(entry: TarEntry, limit: number): Promise<Uint8Array> {
    if (entry !== this.#current) throw new Error("the data of a tar entry was read after the next entry");
    const event = await this.next();
    if (event === undefined || !("data" in event)) throw new Error("the data of a tar entry was read twice");
    if (event.data.length <= limit) return event.data;
    this.#at--;
    this.#events[this.#at] = { data: event.data.subarray(limit) };
    return event.data.subarray(0, limit);
  }

  async close(): Promise<void> {
    if (!this.#ended) await this.#source.return?.();
  }

  async #fill(): Promise<boolean> {
    this.#events = [];
    this.#at = 0;
    if (this.#ended) return false;
    const { done, value } = await this.#source.next();
    if (done) {
      this.#ended = true;
      this.#parser.end(this.#unpadded);
      return false;
    }
    this.#parser.push(value);
    return true;
  }
}
