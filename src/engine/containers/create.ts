// POST /containers/create: checks everything, then makes the container, row first. A container that is created has a
// row, its image's layers held, a range of ids, its volumes and its directories; a crash before the row's directory is
// there is undone at the next start of the engine.

import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import type { ContainerCreateRequest } from "../../api/backend.ts";
import type { ContainerConfig, ContainerCreateResponse, HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { span } from "../../base/trace.ts";
import type { IdMap } from "../../runtime/contract.ts";
import { commandOf } from "../../runtime/spec/process.ts";
import { validateHostConfig, withHostDefaults } from "../../runtime/spec/validate.ts";
import { usesHostUsers } from "../../runtime/userns/mode.ts";
import type { ContainerSpec } from "../../state/containers.ts";
import type { EngineContext } from "../context.ts";
import type { ResolvedImage } from "../images/contract.ts";
import { now } from "../time.ts";
import { checkConfig, checkPolicies } from "./check-config.ts";
import { Container, newState } from "./container.ts";
import { copyUpVolumes } from "./copy-up.ts";
import { makeUpper } from "./disk-size.ts";
import { holdImages, makeImageTrees, releaseImages } from "./image-mounts.ts";
import { checkLinks } from "./links.ts";
import { resolveLogConfig } from "./log-config.ts";
import { mergeConfig } from "./merge.ts";
import { planMounts, realizeMounts } from "./mounts.ts";
import { checkName, generateName } from "./names.ts";
import { namespaceOwners, pinSharedNamespaces } from "./namespaces.ts";
import { networkRequest } from "./network-request.ts";
import { anonymousVolumes } from "./volume-use.ts";

/** @throws HoyError "not-found" (image), "invalid", "conflict" (name); nothing is left behind then. */
export function createContainer(
  engine: EngineContext,
  request: ContainerCreateRequest,
  signal: AbortSignal,
): Promise<ContainerCreateResponse> {
  engine.runtime.anticipateStart(); // most who create a container start it next
  return span("container.create", { image: request.config.Image ?? "" }, () => create(engine, request, signal));
}

async function create(
  engine: EngineContext,
  request: ContainerCreateRequest,
  signal: AbortSignal,
): Promise<ContainerCreateResponse> {
  const wantedName = request.name ? checkName(request.name) : undefined;
  checkConfig(request.config);
  const ref = imageRef(request.config);
  const image = await span("image.resolve", { ref }, () => engine.images.resolve(ref, request.platform));
  const merged = mergeConfig(request.config, image.config.config ?? {});
  checkConfig(merged);
  if (commandOf(merged).length === 0) throw new HoyError("invalid", "no command specified");
  const { hostConfig, warnings } = hostConfigOf(engine, request.hostConfig, merged);
  const plan = await planMounts(merged, hostConfig, engine.containers);
  signal.throwIfAborted();

  await using undo = new AsyncDisposableStack();
  const id = newId();
  const name = wantedName ?? generateName((taken) => engine.containers.nameTaken(taken), id);
  engine.containers.reserve(name, id);
  undo.defer(() => engine.containers.release(name, id));
  const idMap = idMapFor(engine, hostConfig);
  undo.defer(() => engine.idRanges.release(idMap));
  await span("image.retain", {}, () => engine.images.retain(image.id, id));
  undo.defer(() => engine.images.release(id));
  const draft: Omit<ContainerSpec, "mounts"> = {
    id,
    name,
    created: now(),
    image: imageOf(image, merged),
    config: { ...merged, Hostname: hostnameFor(merged, hostConfig, id) },
    hostConfig,
    endpoints: request.networkingConfig.EndpointsConfig ?? {},
    idMap,
  };
  checkNetwork(engine, draft);
  const made: string[] = [];
  undo.defer(async () => {
    for (const volume of made) await engine.volumes.removeUnused(volume);
  });
  const records = await span("volumes.create", {}, () => realizeMounts(plan, engine.volumes, made)).catch(notTheImage);
  undo.defer(() => releaseImages(engine, id, records));
  const mounts = await holdImages(engine, id, records);
  const spec: ContainerSpec = { ...draft, mounts };
  const container = new Container({ spec, state: newState() }, engine.settings.paths);
  engine.events.emit("container", "create", id, container.attributes);
  await span("row.write", {}, async () => engine.containers.add(container));
  undo.defer(() => engine.containers.remove(container));
  undo.defer(() => rm(container.paths.root, { recursive: true, force: true }));
  const lowers = await span("image.mount", {}, () => engine.images.lowersOf(id));
  await makeImageTrees(engine, container);
  await span("volumes.fill", {}, () => copyUpVolumes(engine.volumes, container, lowers));
  await span("directories.make", {}, async () => makeDirectories(engine, container, lowers));
  engine.volumes.doom(anonymousVolumes(container), false);
  undo.move();
  return { Id: id, Warnings: warnings };
}

/**
 * An unknown network is an error of the start, as in Docker: "not found" here would tell clients that the image is
 * missing.
 */
function checkNetwork(engine: EngineContext, spec: Omit<ContainerSpec, "mounts">): void {
  try {
    engine.network.check(networkRequest(spec));
  } catch (error) {
    if (!(error instanceof HoyError && error.code === "not-found")) throw error;
  }
}

/** As above, of a volume's driver that is not there: clients would pull an image that they have. */
function notTheImage(error: unknown): never {
  if (!(error instanceof HoyError && error.code === "not-found")) throw error;
  throw new HoyError("invalid", error.message, { cause: error });
}

function imageRef(config: ContainerConfig): string {
  if (!config.Image) throw new HoyError("invalid", "no image specified");
  return config.Image;
}

function imageOf(image: ResolvedImage, config: ContainerConfig): ContainerSpec["image"] {
  return {
    ref: config.Image ?? "",
    id: image.id,
    diffIds: image.diffIds,
    os: image.config.os,
    architecture: image.config.architecture,
  };
}

/** Defaults filled in and everything checked. */
function hostConfigOf(
  engine: EngineContext,
  wanted: HostConfig,
  config: ContainerConfig,
): { hostConfig: HostConfig; warnings: string[] } {
  const defaults = withHostDefaults(wanted, engine);
  checkPolicies(defaults);
  const pinned = pinSharedNamespaces(defaults, engine.containers);
  checkLinks(defaults, engine.containers);
  const checked = validateHostConfig(pinned, config, engine);
  // By its name, as Docker keeps it: a container does not change its runtime when the default is another.
  const Runtime = engine.ociRuntime(checked.hostConfig.Runtime).name;
  const LogConfig = resolveLogConfig(wanted.LogConfig, engine.settings.log);
  return { hostConfig: { ...checked.hostConfig, LogConfig, Runtime }, warnings: [...checked.warnings] };
}

/** Its own range, the host's ids, or those of the container whose namespaces it joins (a namespace has one owner). */
function idMapFor(engine: EngineContext, host: HostConfig): IdMap | undefined {
  // The host's root may join any namespace: who asks for that is not put into another's user namespace.
  if (!engine.settings.userNamespaces.enabled || usesHostUsers(host)) return undefined;
  const [owner] = namespaceOwners(host, engine.containers);
  if (owner === undefined) return engine.idRanges.allocate();
  engine.idRanges.hold(owner.spec.idMap);
  return owner.spec.idMap;
}

/** The host's own in its network or uts namespace; what the user says; else the id's beginning. */
function hostnameFor(config: ContainerConfig, host: HostConfig, id: string): string {
  if (config.Hostname) return config.Hostname;
  return host.NetworkMode === "host" || host.UTSMode === "host" ? hostname() : id.slice(0, 12);
}

/**
 * Few and synchronous: this is on the way of every run. `upper` comes last of all that a create makes, and as it is to be:
 * a crash before leaves a row without it, which the next start removes.
 */
function makeDirectories(engine: EngineContext, container: Container, lowers: readonly string[]): void {
  const { root, work, logs } = container.paths;
  mkdirSync(root, { mode: 0o700, recursive: true });
  mkdirSync(work, { mode: 0o700 });
  mkdirSync(logs, { mode: 0o700 });
  makeUpper(engine, container, lowers);
}
