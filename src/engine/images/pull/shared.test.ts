import { expect, test } from "bun:test";
import { Slots } from "./shared.ts";

/** Works of which each tells when it begins, and ends when it is told to. */
class Works {
  readonly begun: number[] = [];
  readonly ends: (() => void)[] = [];
  readonly dones: (() => void)[] = [];

  start(slots: Slots, name: number): Promise<void> {
    return slots.run((done) => {
      this.begun.push(name);
      this.dones[name] = done;
      return new Promise((resolve) => {
        this.ends[name] = resolve;
      });
    });
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("the next begins when a work ends, or says that it is done with its turn", async () => {
  const slots = new Slots(1);
  const works = new Works();
  const all = [0, 1, 2].map((name) => works.start(slots, name));
  await turn();
  expect(works.begun).toEqual([0]);
  works.dones[0]?.();
  await turn();
  expect(works.begun).toEqual([0, 1]);
  // Its end is not another turn.
  works.dones[0]?.();
  works.ends[0]?.();
  await turn();
  expect(works.begun).toEqual([0, 1]);
  works.ends[1]?.();
  await turn();
  expect(works.begun).toEqual([0, 1, 2]);
  works.ends[2]?.();
  await Promise.all(all);
});

test("a work that fails gives its turn on", async () => {
  const slots = new Slots(1);
  await expect(slots.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await slots.run(async () => "yes")).toBe("yes");
});
