import { expect, test } from "bun:test";
import { Mailbox } from "./mailbox.ts";

test("in order, the rest after the end; who writes waits for a reader that is behind", async () => {
  const box = new Mailbox<number>();
  let written = 0;
  const writing = (async () => {
    for (let number = 0; number < 200; number++) {
      await box.put(number);
      written++;
    }
    box.end();
  })();
  await Bun.sleep(0);
  expect(written).toBeLessThan(100);
  const read: number[] = [];
  for await (const number of box) read.push(number);
  await writing;
  expect(read).toEqual(Array.from({ length: 200 }, (_, number) => number));
});

test("what failed is told after what came before; a reader that goes leaves nobody waiting", async () => {
  const failing = new Mailbox<number>();
  await failing.put(1);
  failing.fail(new Error("cut"));
  const read: number[] = [];
  const reading = (async () => {
    for await (const number of failing) read.push(number);
  })();
  await expect(reading).rejects.toThrow("cut");
  expect(read).toEqual([1]);

  const left = new Mailbox<number>();
  const writing = (async () => {
    for (let number = 0; number < 1000; number++) await left.put(number);
  })();
  for await (const number of left) if (number === 3) break;
  await writing;
});
