// Guessing passwords: bounded by name and address, also when all guesses come at once.

import { expect, test } from "bun:test";
import { Guard } from "./guard.ts";

const wrong = async () => undefined;
const outcome = (attempt: Promise<unknown>) =>
  attempt.then(
    (value) => value ?? "wrong",
    () => "refused",
  );

test("ten wrong ones for a name from an address, then none is tried there", async () => {
  const guard = new Guard();
  let tried = 0;
  for (let at = 0; at < 20; at++) await outcome(guard.attempt("192.0.2.1", "alice", async () => void tried++));
  expect(tried).toBe(10);
  expect(await outcome(guard.attempt("192.0.2.1", "bob", async () => "bob"))).toBe("bob");
  expect(await outcome(guard.attempt("192.0.2.2", "alice", async () => "alice"))).toBe("alice");
});

test("guesses that come at once are not more than guesses one by one", async () => {
  const guard = new Guard();
  let [tried, running, most] = [0, 0, 0];
  const verify = async () => {
    tried++;
    most = Math.max(most, ++running);
    await Bun.sleep(1);
    running--;
    return undefined;
  };
  await Promise.all(Array.from({ length: 150 }, () => outcome(guard.attempt("192.0.2.1", "alice", verify))));
  expect(tried).toBeLessThanOrEqual(11);
  expect(most).toBeLessThanOrEqual(2);
});

test("an address that tries many names is refused; so many may wait, no more", async () => {
  const guard = new Guard();
  for (let at = 0; at < 100; at++) expect(await outcome(guard.attempt("192.0.2.1", `u${at}`, wrong))).toBe("wrong");
  expect(await outcome(guard.attempt("192.0.2.1", "new", wrong))).toBe("refused");
  const gate = Promise.withResolvers<string>();
  const all = Array.from({ length: 300 }, (_, at) =>
    outcome(guard.attempt(`198.51.100.${at}`, `v${at}`, () => gate.promise)),
  );
  gate.resolve("in");
  const results = await Promise.all(all);
  expect(results.filter((each) => each === "refused")).toHaveLength(98);
  expect(results.filter((each) => each === "in")).toHaveLength(202);
});
