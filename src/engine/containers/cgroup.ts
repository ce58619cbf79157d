// The control group of a container that runs.

import { HoyError } from "../../base/error.ts";
import type { Cgroup } from "../../runtime/cgroups/contract.ts";
import { openCgroup } from "../../runtime/cgroups/open.ts";
import { cgroupPath } from "../../runtime/cgroups/path.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { isRunning } from "./machine.ts";

export function cgroupPathOf(engine: EngineContext, container: Container): string {
  return cgroupPath(container.id, container.spec.hostConfig.CgroupParent || engine.settings.cgroupParent);
}

export function cgroupOf(engine: EngineContext, container: Container): Cgroup {
  return openCgroup(engine.facts.cgroups, cgroupPathOf(engine, container));
}

/** @throws HoyError "conflict" `container … is not running`. */
export function requireRunning(container: Container): void {
  if (container.state.status === "restarting") {
    throw new HoyError("conflict", `container ${container.id} is restarting, wait until the container is running`);
  }
  if (!isRunning(container.state)) throw new HoyError("conflict", `container ${container.id} is not running`);
}
