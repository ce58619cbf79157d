import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { formatNs } from "../time.ts";
import { type EntriesOptions, logEntries } from "./entries.ts";
import { type LogEntry, logFormat } from "./format.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "hoy-logs-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Line {
  readonly text: string;
  readonly stream?: "stdout" | "stderr";
  readonly time: bigint;
  readonly attrs?: Record<string, string>;
}

const jsonLine = ({ text, stream = "stdout", time, attrs }: Line) =>
  Buffer.from(`${JSON.stringify({ log: text, stream, ...(attrs && { attrs }), time: formatNs(time) })}\n`);

/** As shim/PROTOCOL.md has it: length, head, attributes, line, length. */
function localRecord({ text, stream = "stdout", time, attrs }: Line): Buffer {
  const extra = Buffer.from(attrs === undefined ? "" : JSON.stringify(attrs));
  const partial = !text.endsWith("\n");
  const line = Buffer.from(partial ? text : text.slice(0, -1));
  const head = Buffer.alloc(20);
  head.writeUInt32LE(16 + extra.length + line.length, 0);
  head.writeBigUInt64LE(time, 4);
  head.writeUInt8(stream === "stderr" ? 2 : 1, 12);
  head.writeUInt8(partial ? 1 : 0, 13);
  head.writeUInt32LE(extra.length, 16);
  return Buffer.concat([head, extra, line, head.subarray(0, 4)]);
}

const DRIVERS = [
  ["json-file", jsonLine],
  ["local", localRecord],
] as const;

const numbered = (from: number, to: number): Line[] =>
  Array.from({ length: to - from }, (_, index) => ({ text: `line ${from + index}\n`, time: BigInt(from + index + 1) }));

const texts = async (entries: AsyncIterable<LogEntry>) => {
  const found: string[] = [];
  for await (const entry of entries) found.push(Buffer.from(entry.line).toString().trimEnd());
  return found;
};

describe.each(DRIVERS)("%s", (driver, encode) => {
  const write = (path: string, lines: readonly Line[], packed = false) => {
    const bytes = Buffer.concat(lines.map(encode));
    writeFileSync(path, packed ? gzipSync(bytes) : bytes);
  };
  const options = (path: string, more: Partial<EntriesOptions> = {}): EntriesOptions => ({
    path,
    format: logFormat(driver),
    tail: undefined,
    follow: false,
    live: () => false,
    signal: new AbortController().signal,
    onEnd: () => () => undefined,
    ...more,
  });

  test("entries come back as they were written, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.boolean(), fc.boolean()), { maxLength: 20 }),
        fc.integer({ min: 1, max: 50 }),
        (input, cut) => {
          const lines = input.map(([text, error, whole], index): Line => {
            const line = text.replaceAll("\n", "");
            return { text: whole ? `${line}\n` : line, stream: error ? "stderr" : "stdout", time: BigInt(index) };
          });
          const bytes = Buffer.concat(lines.map(encode));
          const decode = logFormat(driver).decoder();
          const entries: LogEntry[] = [];
          for (let at = 0; at < bytes.length; at += cut) entries.push(...decode(bytes.subarray(at, at + cut)));
          expect(entries.map((entry) => [Buffer.from(entry.line).toString(), entry.stream, entry.time])).toEqual(
            lines.map((line) => [line.text, line.stream ?? "stdout", line.time]),
          );
        },
      ),
    );
  });

  test("older files first, compressed or not", async () => {
    const path = join(root, `${driver}-all`);
    write(`${path}.2.gz`, numbered(0, 10), true);
    write(`${path}.1`, numbered(10, 20));
    write(path, numbered(20, 25));
    expect(await texts(logEntries(options(path)))).toEqual(numbered(0, 25).map((line) => line.text.trimEnd()));
  });

  test("the last n, over file borders", async () => {
    const path = join(root, `${driver}-all`);
    for (const tail of [0, 1, 5, 6, 15, 16, 24, 25, 26]) {
      const want = numbered(Math.max(0, 25 - tail), 25).map((line) => line.text.trimEnd());
      expect(await texts(logEntries(options(path, { tail })))).toEqual(want);
    }
  });

  test("the last n of a file of many blocks", async () => {
    const path = join(root, `${driver}-long`);
    write(path, numbered(0, 5000));
    expect(await texts(logEntries(options(path, { tail: 3000 })))).toHaveLength(3000);
    expect(await texts(logEntries(options(path, { tail: 2 })))).toEqual(["line 4998", "line 4999"]);
  });

  test("an entry that was cut off by a crash is passed over", async () => {
    const path = join(root, `${driver}-cut`);
    write(path, numbered(0, 3));
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(0, whole.length - 3));
    expect(await texts(logEntries(options(path)))).toEqual(["line 0", "line 1"]);
  });

  test("a follower sees every line over rotations, until the end", async () => {
    const path = join(root, `${driver}-follow`);
    write(path, numbered(0, 3));
    let live = true;
    let wake: () => void = () => undefined;
    const onEnd = (ring: () => void) => {
      wake = ring;
      return () => undefined;
    };
    const seen: string[] = [];
    const reading = (async () => {
      for await (const entry of logEntries(options(path, { follow: true, live: () => live, onEnd }))) {
        seen.push(Buffer.from(entry.line).toString().trimEnd());
        if (seen.length === 3) {
          appendFileSync(path, Buffer.concat(numbered(3, 5).map(encode)));
          renameSync(path, `${path}.1`);
          write(path, numbered(5, 7));
        }
        if (seen.length === 7) {
          // Two rotations at once: the file in between was never open.
          write(`${path}.2.gz`, numbered(5, 8), true);
          rmSync(`${path}.1`);
          write(`${path}.1`, numbered(8, 10));
          rmSync(path);
          write(path, numbered(10, 12));
        }
        if (seen.length === 12) {
          live = false;
          wake();
        }
      }
    })();
    await reading;
    expect(seen).toEqual(numbered(0, 12).map((line) => line.text.trimEnd()));
  });

  test("no log yet is an empty log", async () => {
    expect(await texts(logEntries(options(join(root, "nowhere", driver))))).toEqual([]);
  });
});

test("a driver that keeps nothing can't be read, in Docker's words", () => {
  expect(() => logFormat("none")).toThrow("configured logging driver does not support reading");
});
