import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ContainerStatus } from "../../state/containers.ts";
import { newState } from "./container.ts";
import { isActive, isRunning, mayFollow, move } from "./machine.ts";

const ALL: readonly ContainerStatus[] = ["created", "running", "paused", "restarting", "exited", "removing", "dead"];

test("a container that is gone or going never runs again", () => {
  for (const to of ["running", "paused", "restarting"] as const) {
    expect(mayFollow("removing", to)).toBe(false);
    expect(mayFollow("dead", to)).toBe(false);
  }
});

test("what runs must end before it is removed", () => {
  expect(mayFollow("running", "removing")).toBe(false);
  expect(mayFollow("paused", "removing")).toBe(false);
  expect(mayFollow("exited", "removing")).toBe(true);
  expect(mayFollow("created", "removing")).toBe(true);
});

test("a step that is not in the table leaves the state alone and says what it was", () => {
  const state = newState();
  expect(() => move(state, "paused")).toThrow("a container that is created can't become paused");
  expect(state.status).toBe("created");
});

test("from every state that steps lead to, the removal can be reached", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ALL), { maxLength: 20 }), (steps) => {
      const state = newState();
      for (const step of steps) if (mayFollow(state.status, step)) move(state, step);
      const reached = new Set([state.status]);
      for (const from of reached) for (const to of ALL) if (mayFollow(from, to)) reached.add(to);
      expect(reached.has("removing")).toBe(true);
    }),
  );
});

test("running and active differ between two tries of a restart policy", () => {
  const state = newState();
  move(state, "running");
  expect([isRunning(state), isActive(state)]).toEqual([true, true]);
  move(state, "restarting");
  expect([isRunning(state), isActive(state)]).toEqual([false, true]);
  move(state, "exited");
  expect([isRunning(state), isActive(state)]).toEqual([false, false]);
});
