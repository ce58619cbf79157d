// The network rate of a container that is there: changed while it runs, or for its next start.

import type { NetworkRate } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { isRunning } from "./machine.ts";
import { networkRequest } from "./network-request.ts";

/**
 * A kill between kernel and record leaves the old rate: it is held again when the daemon takes the container up.
 * @throws HoyError "invalid" for a rate that can't be, or a container without a network that can be limited.
 */
export function changeRate(engine: EngineContext, container: Container, rate: NetworkRate): Promise<void> {
  return container.lock.run(async () => {
    const { spec, state } = container;
    if (state.status === "removing" || state.status === "dead") {
      throw new HoyError("conflict", `cannot update container ${container.id}: container is marked for removal`);
    }
    const { NetworkRate: _, ...rest } = spec.hostConfig;
    const limited = Boolean(rate.Egress || rate.Ingress || rate.Burst);
    const hostConfig = limited ? { ...rest, NetworkRate: rate } : rest;
    const request = networkRequest({ ...spec, hostConfig });
    engine.network.check(request);
    if (isRunning(state)) engine.network.changeRate(request);
    spec.hostConfig = hostConfig;
    engine.containers.save(container);
    engine.events.emit("container", "update", container.id, container.attributes);
  });
}
