// The STATUS column of `docker ps`, which scripts read: "Up 5 minutes (healthy)", "Exited (0) 2 hours ago".

import type { ContainerState } from "../../state/containers.ts";
import { humanDuration, parseRfc3339, ZERO_TIME } from "../time.ts";

/** @param nowMs since the epoch */
export function statusText(state: ContainerState, nowMs: number): string {
  const since = (time: string) => humanDuration(Math.max(0, nowMs - Number((parseRfc3339(time) ?? 0n) / 1_000_000n)));
  switch (state.status) {
    case "running": {
      const health = healthWord(state);
      return `Up ${since(state.startedAt)}${health === "" ? "" : ` (${health})`}`;
    }
    case "paused":
      return `Up ${since(state.startedAt)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    case "exited":
      return state.finishedAt === ZERO_TIME ? "Created" : `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}

function healthWord(state: ContainerState): string {
  switch (state.health?.Status) {
    case "starting":
      return "health: starting";
    case "healthy":
    case "unhealthy":
      return state.health.Status;
    default:
      return "";
  }
}
