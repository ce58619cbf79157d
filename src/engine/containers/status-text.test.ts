import { expect, test } from "bun:test";
import type { ContainerState } from "../../state/containers.ts";
import { newState } from "./container.ts";
import { statusText } from "./status-text.ts";

const now = Date.parse("2026-01-02T00:00:00Z");
const at = (seconds: number) => new Date(now - seconds * 1000).toISOString();
const text = (change: Partial<ContainerState>) => statusText({ ...newState(), ...change }, now);

test("every status as docker ps shows it", () => {
  expect(text({})).toBe("Created");
  expect(text({ status: "running", startedAt: at(5) })).toBe("Up 5 seconds");
  expect(text({ status: "running", startedAt: at(0) })).toBe("Up Less than a second");
  expect(text({ status: "paused", startedAt: at(3) })).toBe("Up 3 seconds (Paused)");
  expect(text({ status: "restarting", exitCode: 1, finishedAt: at(4) })).toBe("Restarting (1) 4 seconds ago");
  expect(text({ status: "exited", exitCode: 0, finishedAt: at(120) })).toBe("Exited (0) 2 minutes ago");
  expect(text({ status: "exited", exitCode: 137, finishedAt: at(3600) })).toBe("Exited (137) About an hour ago");
  expect(text({ status: "removing" })).toBe("Removal In Progress");
  expect(text({ status: "dead" })).toBe("Dead");
});

test("health stands in brackets", () => {
  const running = { status: "running", startedAt: at(60) } as const;
  expect(text({ ...running, health: { Status: "starting" } })).toBe("Up About a minute (health: starting)");
  expect(text({ ...running, health: { Status: "healthy" } })).toBe("Up About a minute (healthy)");
  expect(text({ ...running, health: { Status: "unhealthy" } })).toBe("Up About a minute (unhealthy)");
});

test("a clock that went back makes no negative times", () => {
  expect(text({ status: "running", startedAt: at(-30) })).toBe("Up Less than a second");
});
