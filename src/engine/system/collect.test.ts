import { expect, test } from "bun:test";
import { eventually } from "../../../test/harness/clients.ts";
import { scheduleCollection } from "./collect.ts";

/** A schedule that looks every millisecond, and counts. */
function schedule(everyMs: number | undefined, failing = 0) {
  const closing = new AbortController();
  const self = { everyMs, count: 0, end: () => closing.abort() };
  const collect = async () => {
    if (++self.count <= failing) throw new Error("not this time");
    return { Images: [], BuildCache: [], SpaceReclaimed: 0 };
  };
  scheduleCollection(() => ({ everyMs: self.everyMs }), collect, closing.signal, 1);
  return self;
}

/** Time by another schedule's clock. */
async function pass(): Promise<void> {
  const clock = schedule(1);
  await eventually(async () => clock.count > 5, "time passes");
  clock.end();
}

test("collects every so often, also after one that failed, and not after the end", async () => {
  const collecting = schedule(2, 1);
  await eventually(async () => collecting.count >= 3, "three collections");
  collecting.end();
  const { count } = collecting;
  await pass();
  expect(collecting.count).toBe(count);
});

test("never without a time, and from when one is given", async () => {
  const collecting = schedule(undefined);
  await pass();
  expect(collecting.count).toBe(0);
  collecting.everyMs = 1;
  await eventually(async () => collecting.count > 0, "a collection");
  collecting.end();
});
