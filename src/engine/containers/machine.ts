// A container's life: which state may follow which. Everything that changes a status goes through `move`, so that a
// path nobody thought of is an error in the log and not a container that is both paused and gone.
//
//   created ─→ running ⇄ paused        removing ─→ (no row)
//                │  ↑ ↘                    ↑
//                ↓  │  restarting          │ from created, exited, dead, restarting
//              exited ─────────────────────┘

import { HoyError } from "../../base/error.ts";
import type { ContainerState, ContainerStatus } from "../../state/containers.ts";

const NEXT: Readonly<Record<ContainerStatus, readonly ContainerStatus[]>> = {
  created: ["running", "exited", "removing"],
  running: ["paused", "exited", "restarting"],
  paused: ["running", "exited", "restarting"],
  restarting: ["running", "exited", "removing"],
  exited: ["running", "restarting", "removing"],
  removing: ["dead"],
  dead: ["removing"],
};

export function mayFollow(from: ContainerStatus, to: ContainerStatus): boolean {
  return NEXT[from].includes(to);
}

/** @throws HoyError "internal" when the step is not in the table. */
export function move(state: ContainerState, to: ContainerStatus): void {
  if (!mayFollow(state.status, to)) {
    throw new HoyError("internal", `a container that is ${state.status} can't become ${to}`);
  }
  state.status = to;
}

/** A process runs (perhaps frozen). */
export function isRunning(state: ContainerState): boolean {
  return state.status === "running" || state.status === "paused";
}

/** What Docker counts as running: also between two tries of the restart policy. */
export function isActive(state: ContainerState): boolean {
  return isRunning(state) || state.status === "restarting";
}
