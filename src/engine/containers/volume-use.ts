// The volumes of one container, from its start to its end: those with a device are mounted while somebody uses them.

import { log } from "../../base/log.ts";
import type { MountRecord } from "../../state/containers.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { fillDevices } from "./copy-up.ts";

/** Mounts what has to be, and fills what asks for it and is empty. Idempotent. */
export async function mountVolumes(
  { volumes }: EngineContext,
  container: Container,
  lowers: readonly string[],
): Promise<void> {
  const own = volumesOf(container);
  for (const { name } of own) await volumes.use(name, container.id);
  await fillDevices(volumes, own, lowers);
}

/** Idempotent; what can't be unmounted now is tried again at the engine's next start. */
export async function unmountVolumes({ volumes }: EngineContext, container: Container): Promise<void> {
  for (const { name } of volumesOf(container)) {
    await volumes
      .unuse(name, container.id)
      .catch((error) => log.warn("a volume could not be unmounted", { volume: name, error }));
  }
}

/** Of a container that a former engine started: it has its mounts, whatever became of the host's. */
export async function retakeVolumes({ volumes }: EngineContext, container: Container): Promise<void> {
  for (const { name } of volumesOf(container)) {
    await volumes
      .use(name, container.id)
      .catch((error) => log.warn("a volume could not be taken up", { volume: name, error }));
  }
}

/** Names of those that go with it, if that is asked for; named ones stay, as in Docker. */
export function anonymousVolumes({ spec }: Container): string[] {
  return spec.mounts.flatMap((mount) => (mount.type === "volume" && mount.anonymous ? [mount.name] : []));
}

export function volumesOf(container: Container): readonly MountRecord[] {
  return container.spec.mounts.filter((mount) => mount.type === "volume");
}
