// GET /containers/json, newest first.

import type { ContainerListOptions } from "../../api/backend.ts";
import type { ContainerSummary } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { commandOf } from "../../runtime/spec/process.ts";
import type { EngineContext } from "../context.ts";
import { parseRfc3339 } from "../time.ts";
import type { Container } from "./container.ts";
import { mountPoint, sizes } from "./inspect.ts";
import { allNames } from "./links.ts";
import { containerFilter } from "./list-filter.ts";
import { networkRequest } from "./network-request.ts";
import { statusText } from "./status-text.ts";

export async function listContainers(
  engine: EngineContext,
  options: ContainerListOptions,
): Promise<ContainerSummary[]> {
  const imageIds = imageResolver(engine);
  const names = allNames(engine.containers);
  const passes = await containerFilter(options, {
    containers: engine.containers,
    namesOf: (container) => names.get(container.id) ?? [],
    imagesOf: async (ancestor) => new Set(await imageIds(ancestor)),
    networksOf: (container) => {
      const networks = settingsOf(engine, container).Networks ?? {};
      return Object.entries(networks).map(([name, endpoint]) => ({ name, id: endpoint.NetworkID ?? "" }));
    },
  });
  const chosen = engine.containers
    .all()
    .filter(passes)
    .sort((a, b) => (a.spec.created > b.spec.created ? -1 : 1))
    .slice(0, options.limit !== undefined && options.limit > 0 ? options.limit : undefined);
  return Promise.all(chosen.map((container) => summarize(engine, container, options.size, imageIds, names)));
}

async function summarize(
  engine: EngineContext,
  container: Container,
  size: boolean,
  imageIds: (ref: string) => Promise<readonly string[]>,
  names: ReadonlyMap<string, readonly string[]>,
): Promise<ContainerSummary> {
  const { spec, state } = container;
  const ref = spec.config.Image ?? "";
  // A name that means another image by now would mislead: the id is shown then.
  const named = ref === spec.image.id || (await imageIds(ref)).includes(spec.image.id);
  return {
    Id: spec.id,
    Names: [...(names.get(spec.id) ?? [`/${spec.name}`])],
    Image: named ? ref : spec.image.id,
    ImageID: spec.image.id,
    Command: commandText(commandOf(spec.config)),
    Created: Number((parseRfc3339(spec.created) ?? 0n) / 1_000_000_000n),
    Ports: [...(container.reservation?.ports ?? [])],
    ...(size ? await sizes(engine, container) : {}),
    Labels: spec.config.Labels ?? {},
    State: state.status,
    Status: statusText(state, Date.now()),
    HostConfig: {
      NetworkMode: spec.hostConfig.NetworkMode ?? "default",
      ...(spec.hostConfig.Annotations ? { Annotations: spec.hostConfig.Annotations } : {}),
    },
    NetworkSettings: { Networks: settingsOf(engine, container).Networks ?? {} },
    Mounts: spec.mounts.map(mountPoint),
  };
}

function settingsOf(engine: EngineContext, container: Container) {
  return container.reservation?.settings ?? engine.network.describe(networkRequest(container.spec));
}

/** Each reference is looked up once a list; unknown ones give nothing. */
function imageResolver(engine: EngineContext): (ref: string) => Promise<readonly string[]> {
  const cache = new Map<string, Promise<readonly string[]>>();
  const resolve = async (ref: string): Promise<readonly string[]> => {
    try {
      return [(await engine.images.resolve(ref)).id];
    } catch (error) {
      if (error instanceof HoyError && (error.code === "not-found" || error.code === "invalid")) return [];
      throw error;
    }
  };
  return (ref) => {
    const known = cache.get(ref) ?? resolve(ref);
    cache.set(ref, known);
    return known;
  };
}

/** The command as one line: words with a space are quoted, as Docker shows them. */
function commandText([program = "", ...args]: readonly string[]): string {
  return [program, ...args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg))].join(" ");
}
