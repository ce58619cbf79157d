// POST /containers/{id}/rename.

import { HoyError } from "../../base/error.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { checkName } from "./names.ts";

/** @throws HoyError "invalid" for a bad or the same name, "conflict" for one that is taken. */
export function renameContainer(engine: EngineContext, container: Container, wanted: string): Promise<void> {
  return container.lock.run(async () => {
    if (wanted === "") throw new HoyError("invalid", "Neither old nor new names may be empty");
    const name = checkName(wanted);
    const old = container.name;
    if (name === old) {
      throw new HoyError("invalid", "Renaming a container with the same name as its current name");
    }
    engine.containers.reserve(name, container.id);
    container.spec.name = name;
    try {
      engine.containers.save(container);
    } catch (error) {
      container.spec.name = old;
      engine.containers.release(name, container.id);
      throw error;
    }
    engine.containers.release(old, container.id);
    engine.events.emit("container", "rename", container.id, { ...container.attributes, oldName: `/${old}` });
  });
}
