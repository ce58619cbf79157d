import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { QuietTime } from "./quiet.ts";

test("memory is given back once in each quiet time", async () => {
  let given = 0;
  const { promise: first, resolve } = Promise.withResolvers<void>();
  using quiet = new QuietTime(() => {
    given += 1;
    resolve();
  }, 100);
  await first;
  await sleep(300);
  expect(given).toBe(1);
  quiet.disturb();
  while (given < 2) await sleep(5);
});

test("after the end nothing is done any more", async () => {
  let given = 0;
  {
    using quiet = new QuietTime(() => {
      given += 1;
    }, 20);
    quiet.disturb();
  }
  await sleep(100);
  expect(given).toBe(0);
});
