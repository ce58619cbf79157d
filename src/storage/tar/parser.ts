// A tar parser that is pushed: give it chunks as they come, it calls the handler for each entry and each piece of data,
// at once and in order, copying nothing but headers that two chunks share. So an archive can be hashed, written and
// indexed in one pass. `readTar` in reader.ts is the same for those who would rather pull.
//
// Follows what Go's archive/tar (and so Docker) takes: ustar, PAX, GNU and star headers; a missing end marker is no
// error, a missing byte of data is.

import { describeEntry, isFile, type SparseParts } from "./describe.ts";
import { BLOCK, badArchive, type RawText, TAR_LIMITS, type TarEntry } from "./entry.ts";
import { isZeroBlock, parseHeader, type RawHeader } from "./header.ts";
import { type PaxRecords, parsePax, paxInteger } from "./pax.ts";
import { oldSparseBlock, oldSparseHeader, SparseMap, sparseFromList } from "./sparse.ts";

export interface TarHandler {
  entry(entry: TarEntry): void;
  /** The next bytes of the last entry's stored data; a view into the chunk that was pushed. */
  data?(bytes: Uint8Array): void;
}

/** Keys that make sense for one file only; in a global header they would be a trap, and no writer puts them there. */
const LOCAL_ONLY = /^(path|linkpath|size|GNU\.sparse\..*)$/;

/** Headers that say something of the next one. */
const EXTENSIONS: Readonly<Record<string, Step>> = { x: "pax", g: "global", L: "longname", K: "longlink" };

type Step =
  | "header"
  | "pax"
  | "global"
  | "longname"
  | "longlink"
  | "old-sparse"
  | "sparse-map"
  | "data"
  | "skip"
  | "end";

export class TarParser {
  readonly #handler: TarHandler;
  /** Bytes pushed so far: the place in the archive. */
  #position = 0;
  #step: Step = "header";
  /** Bytes that the step still has to see (data, skip), or sees as one block (all others). */
  #want = BLOCK;
  #held = 0;
  #hold: Buffer = Buffer.alloc(BLOCK);
  /** Length of an extended header without its padding. */
  #bodyLength = 0;
  #padding = 0;
  #sawZeroBlock = false;
  #global: PaxRecords = new Map();
  #local: PaxRecords | undefined;
  #longName: RawText | undefined;
  #longLink: RawText | undefined;
  /** The sparse file whose map is still being read. */
  #sparse: SparseParts | undefined;
  #map = new SparseMap();

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  /** @throws HoyError "invalid"; the parser is of no use then. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#step === "end") {
        this.#position += chunk.length - at;
        return;
      }
      const take = Math.min(this.#want - this.#held, chunk.length - at);
      const piece = chunk.subarray(at, at + take);
      at += take;
      this.#position += take;
      if (this.#step === "data" || this.#step === "skip") this.#pass(piece);
      else this.#gather(piece);
    }
  }

  /**
   * Says that no more comes. @throws HoyError "invalid" when the archive stops in the middle of something.
   * @param unpadded let the last file's padding be missing, as Go's reader does and Docker's client has it in contexts;
   * not for a layer, whose tar is kept and must be whole blocks
   */
  end(unpadded = false): void {
    const whole = this.#step === "end" || (unpadded && this.#step === "skip");
    const between = whole || (this.#step === "header" && this.#held === 0);
    const pending = this.#local !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
    if (!between || pending) throw badArchive("unexpected end");
  }

  get position(): number {
    return this.#position;
  }

  #pass(piece: Uint8Array): void {
    if (this.#step === "data") this.#handler.data?.(piece);
    this.#want -= piece.length;
    if (this.#want > 0) return;
    if (this.#step === "data" && this.#padding > 0) this.#next("skip", this.#padding);
    else this.#next("header", BLOCK);
  }

  #gather(piece: Uint8Array): void {
    if (this.#held === 0 && piece.length === this.#want) {
      this.#block(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      return;
    }
    if (this.#held === 0 && this.#hold.length < this.#want) this.#hold = Buffer.alloc(this.#want);
    this.#hold.set(piece, this.#held);
    this.#held += piece.length;
    if (this.#held < this.#want) return;
    this.#held = 0;
    this.#block(this.#hold.subarray(0, this.#want));
  }

  #block(block: Buffer): void {
    switch (this.#step) {
      case "header":
        this.#header(block);
        break;
      case "old-sparse":
        this.#moreOldSparse(block);
        break;
      case "sparse-map":
        this.#sparseMap(block);
        break;
      default:
        this.#extension(this.#step, block);
        this.#next("header", BLOCK);
    }
  }

  #extension(step: Step, block: Buffer): void {
    const body = block.subarray(0, this.#bodyLength);
    if (step === "pax") this.#local = parsePax(body);
    else if (step === "global") this.#setGlobal(parsePax(body));
    else if (step === "longname") this.#longName = longText(body);
    else if (step === "longlink") this.#longLink = longText(body);
  }

  #header(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.#sawZeroBlock) this.#step = "end";
      this.#sawZeroBlock = true;
      return;
    }
    if (this.#sawZeroBlock) throw badArchive("a single zero block in the middle");
    const header = parseHeader(block);
    const extension = EXTENSIONS[header.typeflag];
    if (extension !== undefined) this.#extended(extension, header);
    else if (header.typeflag === "S") this.#oldSparse(header, block);
    else this.#file(header);
  }

  #file(header: RawHeader): void {
    const records = this.#records();
    const size = records.get("GNU.sparse.realsize") ?? records.get("GNU.sparse.size");
    if (size === undefined || !isFile(header.typeflag)) {
      this.#entry(header, undefined);
      return;
    }
    const sparse: SparseParts = { header, pairs: [], realSize: paxInteger(size, "GNU.sparse.size"), mapBytes: 0 };
    this.#sparse = sparse;
    if (records.get("GNU.sparse.major") === "1" && records.get("GNU.sparse.minor") === "0") {
      this.#map = new SparseMap();
      this.#next("sparse-map", BLOCK);
      return;
    }
    const list = records.get("GNU.sparse.map");
    if (list === undefined) throw badArchive("GNU sparse file without a map");
    sparse.pairs = sparseFromList(list);
    this.#sparseEntry();
  }

  #oldSparse(header: RawHeader, block: Buffer): void {
    const { pairs, more, realSize } = oldSparseHeader(block);
    this.#sparse = { header, pairs, realSize, mapBytes: 0 };
    if (more) this.#next("old-sparse", BLOCK);
    else this.#sparseEntry();
  }

  #extended(step: Step, header: RawHeader): void {
    if (header.size < 0 || header.size > TAR_LIMITS.extendedHeader) throw badArchive("extended header is too large");
    if (header.size === 0) throw badArchive("extended header is empty");
    this.#bodyLength = header.size;
    this.#next(step, Math.ceil(header.size / BLOCK) * BLOCK);
  }

  #setGlobal(records: PaxRecords): void {
    for (const [key, value] of records) {
      if (LOCAL_ONLY.test(key)) throw badArchive(`${key} in a global header`);
      if (value === "") this.#global.delete(key);
      else this.#global.set(key, value);
    }
    // Each global header may add to the last; together they stay within what one may hold.
    let total = 0;
    for (const [key, value] of this.#global) total += key.length + value.length;
    if (total > TAR_LIMITS.extendedHeader) throw badArchive("global headers are too large");
  }

  #moreOldSparse(block: Buffer): void {
    const sparse = this.#sparse;
    if (sparse === undefined) throw badArchive("sparse block without a header");
    const { pairs, more } = oldSparseBlock(block);
    sparse.pairs.push(...pairs);
    if (sparse.pairs.length > 2 * TAR_LIMITS.sparseSegments) throw badArchive("GNU sparse map is too large");
    if (more) this.#next("old-sparse", BLOCK);
    else this.#sparseEntry();
  }

  #sparseMap(block: Buffer): void {
    const sparse = this.#sparse;
    if (sparse === undefined) throw badArchive("sparse map without a header");
    sparse.mapBytes += BLOCK;
    const pairs = this.#map.add(block);
    if (pairs === undefined) return;
    sparse.pairs = pairs;
    this.#sparseEntry();
  }

  #sparseEntry(): void {
    const sparse = this.#sparse;
    this.#sparse = undefined;
    if (sparse === undefined) throw badArchive("sparse entry without a header");
    this.#entry(sparse.header, sparse);
  }

  #entry(header: RawHeader, sparse: SparseParts | undefined): void {
    const entry = describeEntry({
      header,
      sparse,
      longName: this.#longName,
      longLink: this.#longLink,
      records: this.#records(),
      offset: this.#position,
    });
    this.#local = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#handler.entry(entry);
    this.#padding = (BLOCK - (entry.stored % BLOCK)) % BLOCK;
    if (entry.stored > 0) this.#next("data", entry.stored);
    else this.#next("header", BLOCK);
  }

  /** What holds for the next entry. An empty value means that the header's own holds; but attributes may be empty. */
  #records(): PaxRecords {
    if (this.#local === undefined) return this.#global;
    if (this.#global.size === 0 && !this.#local.values().some((value) => value === "")) return this.#local;
    const records = new Map([...this.#global, ...this.#local]);
    for (const [key, value] of records) if (value === "" && !key.includes(".xattr.")) records.delete(key);
    return records;
  }

  #next(step: Step, want: number): void {
    this.#step = step;
    this.#want = want;
  }
}

function longText(body: Buffer): RawText {
  const text = body.toString("latin1");
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
