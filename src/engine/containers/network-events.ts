// "network connect" and "network disconnect" of a container's start and end, as Docker sends them.

import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";

/** For every network that the container is on now. */
export function emitNetworks(engine: EngineContext, container: Container, action: "connect" | "disconnect"): void {
  for (const name of Object.keys(container.reservation?.settings.Networks ?? {})) {
    const network = engine.networkNamed(name);
    if (network === undefined) continue;
    engine.events.emit("network", action, network.id, { container: container.id, name, type: network.driver });
  }
}
