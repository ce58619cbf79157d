import { expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Flights } from "./flights.ts";

const never = (signal: AbortSignal) =>
  new Promise<string>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

test("who asks for the same joins, and is told what was said before", async () => {
  const finished: string[] = [];
  const flights = new Flights<string, string>((result) => finished.push(result));
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const heard: string[][] = [[], []];
  const ask = (who: number) =>
    flights.run(
      "key",
      new AbortController().signal,
      (said) => heard[who]?.push(said),
      async (_, say) => {
        runs++;
        say("early");
        await gate.promise;
        say("late");
        return "made";
      },
    );
  const first = ask(0);
  await sleep(0);
  const second = ask(1);
  gate.resolve();
  expect(await Promise.all([first, second])).toEqual(["made", "made"]);
  expect(runs).toBe(1);
  expect(heard).toEqual([
    ["early", "late"],
    ["early", "late"],
  ]);
  expect(finished).toEqual(["made"]);
});

test("it is cancelled when the last one goes, and not before", async () => {
  const flights = new Flights<string, never>(() => undefined);
  const [one, other] = [new AbortController(), new AbortController()];
  let cancelled = false;
  const work = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => {
      cancelled = true;
    });
    return never(signal);
  };
  const first = flights.run("key", one.signal, () => undefined, work);
  const second = flights.run("key", other.signal, () => undefined, work);
  one.abort();
  await expect(first).rejects.toThrow("cancelled");
  expect(cancelled).toBe(false);
  other.abort();
  await expect(second).rejects.toThrow("cancelled");
  expect(cancelled).toBe(true);
});

test("a failure is everybody's, and the next one begins anew", async () => {
  const flights = new Flights<string, never>(() => undefined);
  const { signal } = new AbortController();
  const fail = () =>
    flights.run(
      "key",
      signal,
      () => undefined,
      () => Promise.reject(new Error("broken")),
    );
  const outcomes = await Promise.allSettled([fail(), fail()]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(
    await flights.run(
      "key",
      signal,
      () => undefined,
      async () => "well",
    ),
  ).toBe("well");
});
