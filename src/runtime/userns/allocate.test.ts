import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { allocateRange, baseOf, idMapAt, RANGE_SIZE, rangePool, toHostId } from "./allocate.ts";
import { parseSubIds } from "./subid.ts";

describe("/etc/subuid", () => {
  test("lines as the manual has them, the rest passed over", () => {
    expect(parseSubIds("# x\nbob:100000:65536\nhoy:1:2\n\nbad\nx:1\ny:-1:5\nz:4294967295:10\nw:5:0\n")).toEqual([
      { owner: "bob", start: 100000, size: 65536 },
      { owner: "hoy", start: 1, size: 2 },
    ]);
  });
});

describe("ranges for containers", () => {
  const line = (owner: string, start: number, size: number) => ({ owner, start, size });

  test("our own lines are used up one after the other", () => {
    const lines = [line("bob", 100_000, 65_536), line("hoy", 1_000_000, 2 * RANGE_SIZE)];
    const pool = rangePool("hoy", lines, lines);
    expect(baseOf(allocateRange(pool, []))).toBe(1_000_000);
    expect(baseOf(allocateRange(pool, [1_000_000]))).toBe(1_000_000 + RANGE_SIZE);
    expect(baseOf(allocateRange(pool, [1_000_000 + RANGE_SIZE]))).toBe(1_000_000);
    expect(() => allocateRange(pool, [1_000_000, 1_000_000 + RANGE_SIZE])).toThrow("no free range of user ids");
  });

  test("one base serves uids and gids: only what both files give us", () => {
    const pool = rangePool("hoy", [line("hoy", 500_000, 200_000)], [line("hoy", 550_000, 200_000)]);
    expect(pool.blocks).toEqual([{ start: 550_000, size: 150_000 }]);
    expect(() => rangePool("hoy", [line("hoy", 1000, 70_000)], [])).toThrow("have no range of 65536 ids for hoy");
  });

  test("without lines of ours, others' ids are left alone", () => {
    const taken = [line("bob", 0x3000_0000, 10), line("eve", 0x3000_0000 + RANGE_SIZE, 10)];
    const base = baseOf(allocateRange(rangePool("hoy", taken, []), [])) ?? 0;
    expect(base).toBe(0x3000_0000 + RANGE_SIZE + 10);
  });

  test("no two ranges overlap, nor any with others' lines", () => {
    const lines = fc.array(fc.record({ start: fc.nat(2 ** 30), size: fc.integer({ min: 1, max: 300_000 }) }));
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 12 }), (others, count) => {
        const strangers = others.map((one) => line("other", 0x3000_0000 + (one.start % 3_000_000), one.size));
        const pool = rangePool("hoy", strangers, []);
        const bases: number[] = [];
        for (let i = 0; i < count; i++) bases.push(baseOf(allocateRange(pool, bases)) ?? 0);
        const mine = bases.map((start) => ({ start, size: RANGE_SIZE }));
        const all = [...mine, ...strangers];
        for (const one of mine) {
          const clash = all.some(
            (other) => other !== one && one.start < other.start + other.size && other.start < one.start + one.size,
          );
          expect(clash).toBe(false);
        }
      }),
    );
  });

  test("an id of the container on the host", () => {
    const { uids } = idMapAt(200_000);
    expect(toHostId(uids, 0)).toBe(200_000);
    expect(toHostId(uids, 65_535)).toBe(265_535);
    expect(toHostId(uids, 65_536)).toBeUndefined();
  });
});
