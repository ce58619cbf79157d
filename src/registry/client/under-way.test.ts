import { expect, test } from "bun:test";
import { sha256 } from "../../base/digest.ts";
import { BlobsUnderWay, comingHeader, Patience, parseComing } from "./under-way.ts";

const digest = sha256("a layer");
const name = "docker.io/team/app";

function coming(engine: BlobsUnderWay) {
  const found = engine.coming(name, digest);
  if (found === undefined) throw new Error("it is not on its way");
  return found;
}

test("of two that ask at once one is ahead; who receives is ahead of both, and waits for nobody", () => {
  const [a, b, c] = [new BlobsUnderWay(), new BlobsUnderWay(), new BlobsUnderWay()];
  const [ofA, ofB, ofC] = [a.begin(name, digest), b.begin(name, digest), c.begin(name, digest)];
  expect(ofA.isBehind(coming(b))).not.toBe(ofB.isBehind(coming(a)));
  ofC.receiving();
  ofC.progress(17);
  expect([ofA.isBehind(coming(c)), ofB.isBehind(coming(c))]).toEqual([true, true]);
  expect([ofC.isBehind(coming(a)), ofC.isBehind(coming(b))]).toEqual([false, false]);
  expect(coming(c)).toMatchObject({ receiving: true, received: 17 });
});

test("who was heard of before is ahead, whatever the tokens say", () => {
  for (let round = 0; round < 20; round++) {
    const [first, second] = [new BlobsUnderWay(), new BlobsUnderWay()];
    const claim = first.begin(name, digest);
    second.heard(digest, claim.coming);
    expect(second.begin(name, digest).isBehind(coming(first))).toBe(true);
  }
});

test("what is here is given until its pull is over; what failed is not on its way; other repositories hear nothing", () => {
  const engine = new BlobsUnderWay();
  const claim = engine.begin(name, digest);
  expect(engine.coming("docker.io/team/other", digest)).toBeUndefined();
  engine.end([digest]);
  expect([engine.coming(name, digest)?.receiving, engine.nameOf(digest)]).toEqual([false, undefined]);
  claim.here();
  expect([engine.coming(name, digest), engine.nameOf(digest)]).toEqual([undefined, name]);
  engine.end([digest]);
  expect(engine.nameOf(digest)).toBeUndefined();
  engine.begin(name, digest).failed();
  expect(engine.coming(name, digest)).toBeUndefined();
});

test("the header is what was written, or nothing", () => {
  const engine = new BlobsUnderWay();
  engine.begin(name, digest).progress(5);
  expect(parseComing(comingHeader(coming(engine)))).toEqual(coming(engine));
  for (const text of [
    null,
    "",
    "x",
    `${"a".repeat(32)} here 1`,
    `${"a".repeat(32)} asking -1`,
    `${"g".repeat(32)} asking 1`,
  ])
    expect(parseComing(text)).toBeUndefined();
});

test("who stands still is passed by, who gets on is waited for, but not for ever", () => {
  const at = (received: number) => [{ token: "a", receiving: true, received }];
  const still = new Patience(0);
  expect([still.holds([], 1), still.holds(at(1), 10), still.holds(at(1), 14_000), still.holds(at(1), 16_000)]).toEqual([
    false,
    true,
    true,
    false,
  ]);
  const slow = new Patience(0);
  const waits = Array.from({ length: 100 }, (_, round) => slow.holds(at(round), round * 10_000));
  expect(waits.indexOf(false)).toBe(90);
});
