// POST /containers/{id}/rename. The name that others find it by changes at once, and their links go on meaning it.

import { HoyError, leadIn } from "../../base/error.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { followLinks } from "./links.ts";
import { checkName } from "./names.ts";
import { networkRequest } from "./network-request.ts";

/** @throws HoyError "invalid" for a bad or the same name, "conflict" for one that is taken. */
export function renameContainer(engine: EngineContext, container: Container, wanted: string): Promise<void> {
  return container.lock.run(async () => {
    if (wanted === "") throw new HoyError("invalid", "Neither old nor new names may be empty");
    const name = named(() => checkName(wanted));
    const old = container.name;
    if (name === old) {
      throw new HoyError("invalid", "Renaming a container with the same name as its current name");
    }
    named(() => engine.containers.reserve(name, container.id));
    container.spec.name = name;
    const linked = engine.containers.all().flatMap((other) => followLinks(other.spec, old, name) ?? []);
    try {
      engine.containers.save(container, ...linked.map(({ id }) => engine.containers.byId(id) ?? container));
    } catch (error) {
      container.spec.name = old;
      for (const { undo } of linked) undo();
      engine.containers.release(name, container.id);
      throw error;
    }
    engine.containers.release(old, container.id);
    engine.network.rename(networkRequest(container.spec), old);
    if (container.reservation !== undefined) {
      const settings = engine.network.describe(networkRequest(container.spec));
      container.reservation = { ...container.reservation, settings };
    }
    engine.events.emit("container", "rename", container.id, { ...container.attributes, oldName: `/${old}` });
  });
}

/** Says of an error that it was about the new name, in Docker's words. */
function named<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw leadIn("Error when allocating new name", error);
  }
}
