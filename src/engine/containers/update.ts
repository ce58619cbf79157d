// POST /containers/{id}/update: new limits, at once for a container that runs, and a new restart policy.

import type { UpdateRequest } from "../../api/backend.ts";
import type { ContainerUpdateResponse } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { updateLimits } from "../../runtime/spec/update.ts";
import type { EngineContext } from "../context.ts";
import { cgroupOf } from "./cgroup.ts";
import type { Container } from "./container.ts";
import { isRunning } from "./machine.ts";
import { checkRestartPolicy } from "./restart-policy.ts";

/** @throws HoyError "invalid" for impossible limits, "conflict" for ones that don't go with those that are set. */
export function updateContainer(
  engine: EngineContext,
  container: Container,
  request: UpdateRequest,
): Promise<ContainerUpdateResponse> {
  return container.lock.run(async () => {
    const { state, spec } = container;
    if (state.status === "removing" || state.status === "dead") {
      throw new HoyError("conflict", `cannot update container ${container.id}: container is marked for removal`);
    }
    const { RestartPolicy, ...limits } = request;
    const policy = RestartPolicy?.Name ? RestartPolicy : undefined;
    if (policy !== undefined) {
      checkRestartPolicy(policy);
      if (spec.hostConfig.AutoRemove && policy.Name !== "no") {
        throw new HoyError(
          "invalid",
          "Restart policy cannot be updated because AutoRemove is enabled for the container",
        );
      }
    }
    const { hostConfig, resources, warnings } = updateLimits(spec.hostConfig, limits, engine.facts);
    if (isRunning(state)) await cgroupOf(engine, container).update(resources);
    spec.hostConfig =
      policy === undefined
        ? hostConfig
        : {
            ...hostConfig,
            RestartPolicy: { Name: policy.Name ?? "", MaximumRetryCount: policy.MaximumRetryCount ?? 0 },
          };
    engine.containers.save(container);
    engine.events.emit("container", "update", container.id, container.attributes);
    return { Warnings: [...warnings] };
  });
}
