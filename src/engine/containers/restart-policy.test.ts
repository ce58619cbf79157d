import { describe, expect, test } from "bun:test";
import { checkRestartPolicy, restartPause, shouldRestart, shouldStartAtBoot } from "./restart-policy.ts";

const ended = (exitCode: number, more: object = {}) => ({ exitCode, restartCount: 0, stopped: false, ...more });

describe("after an end", () => {
  test("no policy, no restart", () => {
    expect(shouldRestart(undefined, ended(1))).toBe(false);
    expect(shouldRestart({ Name: "" }, ended(1))).toBe(false);
    expect(shouldRestart({ Name: "no" }, ended(1))).toBe(false);
  });

  test("always and unless-stopped, whatever the exit code, unless a user stopped it", () => {
    for (const Name of ["always", "unless-stopped"] as const) {
      expect(shouldRestart({ Name }, ended(0))).toBe(true);
      expect(shouldRestart({ Name }, ended(9))).toBe(true);
      expect(shouldRestart({ Name }, ended(137, { stopped: true }))).toBe(false);
    }
  });

  test("on-failure counts", () => {
    const policy = { Name: "on-failure", MaximumRetryCount: 2 } as const;
    expect(shouldRestart(policy, ended(0))).toBe(false);
    expect(shouldRestart(policy, ended(1, { restartCount: 1 }))).toBe(true);
    expect(shouldRestart(policy, ended(1, { restartCount: 2 }))).toBe(false);
    expect(shouldRestart({ Name: "on-failure" }, ended(1, { restartCount: 1000 }))).toBe(true);
  });
});

describe("when the engine starts", () => {
  const last = { exitCode: 0, restartCount: 0, stopped: false, ran: false, everStarted: true };

  test("always starts also what a user stopped; unless-stopped does not", () => {
    expect(shouldStartAtBoot({ Name: "always" }, { ...last, stopped: true })).toBe(true);
    expect(shouldStartAtBoot({ Name: "unless-stopped" }, { ...last, stopped: true })).toBe(false);
    expect(shouldStartAtBoot({ Name: "unless-stopped" }, last)).toBe(true);
  });

  test("what was never started stays so", () => {
    expect(shouldStartAtBoot({ Name: "always" }, { ...last, everStarted: false })).toBe(false);
  });

  test("on-failure starts what failed while nobody looked, not what had ended before", () => {
    expect(shouldStartAtBoot({ Name: "on-failure" }, { ...last, ran: true, exitCode: 255 })).toBe(true);
    expect(shouldStartAtBoot({ Name: "on-failure" }, { ...last, ran: true, exitCode: 0 })).toBe(false);
    expect(shouldStartAtBoot({ Name: "on-failure" }, { ...last, ran: false, exitCode: 1 })).toBe(false);
  });
});

test("pauses double from 100 ms to a minute", () => {
  expect([0, 1, 2, 3].map(restartPause)).toEqual([100, 200, 400, 800]);
  expect(restartPause(9)).toBe(51_200);
  expect(restartPause(10)).toBe(60_000);
  expect(restartPause(10_000)).toBe(60_000);
});

test.each([
  [{ Name: "sometimes" }, "unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"],
  [{ Name: "always", MaximumRetryCount: 3 }, "maximum retry count can only be used with 'on-failure'"],
  [{ Name: "on-failure", MaximumRetryCount: -1 }, "maximum retry count cannot be negative"],
])("%p is refused", (policy, words) => {
  expect(() => checkRestartPolicy(policy as never)).toThrow(`invalid restart policy: ${words}`);
});
