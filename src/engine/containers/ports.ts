// Ports of a container that is there: added and removed while it runs, or for its next start.

import type { PortMap } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { isRunning } from "./machine.ts";
import { networkRequest } from "./network-request.ts";

/**
 * Takes away what `remove` names (all of a container port's bindings when it names no host port), then adds. All or nothing.
 * @throws HoyError "invalid" for what is not published, "conflict" for a port that is taken.
 */
export function changePorts(engine: EngineContext, container: Container, add: PortMap, remove: PortMap): Promise<void> {
  return container.lock.run(async () => {
    const { spec, state } = container;
    if (state.status === "removing" || state.status === "dead") {
      throw new HoyError("conflict", `cannot update container ${container.id}: container is marked for removal`);
    }
    const PortBindings = merged(spec.hostConfig.PortBindings ?? {}, add, remove);
    const hostConfig = { ...spec.hostConfig, PortBindings };
    const request = networkRequest({ ...spec, hostConfig });
    engine.network.check(request);
    if (isRunning(state)) container.reservation = await engine.network.changePorts(request);
    spec.hostConfig = hostConfig;
    engine.containers.save(container);
    engine.events.emit("container", "update", container.id, container.attributes);
  });
}

function merged(before: PortMap, add: PortMap, remove: PortMap): PortMap {
  const ports = new Map(Object.entries(before).map(([port, bindings]) => [port, [...(bindings ?? [])]]));
  for (const [port, bindings] of Object.entries(remove)) {
    for (const { HostIp = "", HostPort = "" } of bindings ?? []) {
      const had = ports.get(port) ?? [];
      const left = had.filter(
        (each) => (HostPort !== "" && each.HostPort !== HostPort) || (HostIp !== "" && (each.HostIp ?? "") !== HostIp),
      );
      if (left.length === had.length) {
        const host = HostPort === "" ? "" : `${HostIp === "" ? "" : `${HostIp}:`}${HostPort}:`;
        throw new HoyError("invalid", `port ${host}${port} is not published`);
      }
      ports.set(port, left);
    }
  }
  for (const [port, bindings] of Object.entries(add)) {
    ports.set(port, [...(ports.get(port) ?? []), ...(bindings ?? [])]);
  }
  return Object.fromEntries([...ports].filter(([, bindings]) => bindings.length > 0));
}
