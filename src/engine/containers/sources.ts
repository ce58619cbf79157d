// Containers as the images' verbs need them: who uses an image, and where a container's files are.

import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import type { EngineContext } from "../context.ts";
import type { ContainerSource, ContainerSources, ImageUser } from "../images/contract.ts";
import type { Container } from "./container.ts";
import type { Containers } from "./containers.ts";
import { existingFiles } from "./files.ts";
import { imageHold, mountImages } from "./image-mounts.ts";
import { isActive, isRunning } from "./machine.ts";
import { freezeForCopy } from "./pause.ts";
import { volumesOf } from "./volume-use.ts";

/** `engine` is asked for only when a call comes: images and containers are made before the engine is whole. */
export function containerSources(containers: Containers, engine: () => EngineContext): ContainerSources {
  return {
    find: async (ref) => sourceOf(engine(), containers.find(ref)),
    users: () => containers.all().flatMap(usesOf),
  };
}

/** Of the image that it is made from, and of those mounted in it. */
function usesOf({ id, spec, state }: Container): ImageUser[] {
  const running = isActive(state);
  const mounted = spec.mounts.flatMap(({ image }, index) =>
    image === undefined ? [] : [{ id: imageHold(id, index), image, running }],
  );
  return [{ id, image: spec.image.id, running }, ...mounted];
}

async function sourceOf(engine: EngineContext, container: Container): Promise<ContainerSource> {
  const { spec, paths } = container;
  checkKept(container);
  await mountImages(engine, container);
  return {
    id: spec.id,
    imageId: spec.image.id,
    config: spec.config,
    created: spec.created,
    lowers: await engine.images.lowersOf(spec.id),
    upper: paths.upper,
    work: paths.work,
    idMap: spec.idMap,
    readonlyRootfs: spec.hostConfig.ReadonlyRootfs ?? false,
    mountPoints: [...spec.mounts.map((mount) => mount.destination), ...Object.keys(spec.hostConfig.Tmpfs ?? {})],
    mounts: [...mountsOnHost(container), ...filesOnHost(container)],
    attributes: container.attributes,
    checkPresent: () => checkKept(container),
    freeze: () => freezeForCopy(engine, container),
    hold: () => hold(engine, container),
  };
}

function checkKept({ id, state }: Container): void {
  if (state.status === "removing" || state.status === "dead") {
    throw new HoyError("conflict", `container ${id} is being removed`);
  }
}

function mountsOnHost({ spec }: Container): ContainerSource["mounts"] {
  return spec.mounts.flatMap(({ type, source, subpath, name, destination, rw }) =>
    type === "tmpfs" ? [] : [{ type, source, subpath, name, destination, rw }],
  );
}

/** /etc/hosts and its like, where the user has mounted nothing in their place. */
function filesOnHost(container: Container): ContainerSource["mounts"] {
  const { spec } = container;
  const taken = new Set([
    ...spec.mounts.map((mount) => mount.destination),
    ...Object.keys(spec.hostConfig.Tmpfs ?? {}),
  ]);
  const rw = spec.hostConfig.ReadonlyRootfs !== true;
  return existingFiles(container.paths)
    .filter(({ destination }) => !taken.has(destination))
    .map(({ source, destination }) => ({ type: "bind", source, subpath: "", name: "", destination, rw }));
}

/** Takes the container's lock and gives it back when told to. */
function hold(engine: EngineContext, container: Container): Promise<{ pid: number | undefined; release: () => void }> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  return new Promise((taken, failed) => {
    container.lock
      .run(async () => {
        const { state } = container;
        checkKept(container);
        const running = isRunning(state);
        const user = `copy-${newId()}`;
        // While it runs it has them mounted itself.
        const volumes = running ? [] : volumesOf(container);
        await using mounted = new AsyncDisposableStack();
        for (const { name } of volumes) {
          mounted.defer(() => engine.volumes.unuse(name, user));
          await engine.volumes.use(name, user);
        }
        taken({ pid: running ? state.pid : undefined, release });
        await released;
      })
      .catch(failed);
  });
}
