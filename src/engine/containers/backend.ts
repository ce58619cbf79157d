// The containers' side of the API's contract: finds the container and calls the verb; each verb is a file beside this.

import type {
  ArchivePutOptions,
  AttachOptions,
  ContainerBackend,
  ContainerCreateRequest,
  ContainerListOptions,
  Filters,
  KillOptions,
  LogOptions,
  PortChangeRequest,
  StopOptions,
  UpdateRequest,
  WaitCondition,
} from "../../api/backend.ts";
import type { NetworkRate } from "../../api/types/container.ts";
import { top } from "../../runtime/top/top.ts";
import type { EngineContext } from "../context.ts";
import { containerLogs } from "../logs/read.ts";
import { attachContainer, resizeContainer } from "./attach.ts";
import { cgroupOf, requireRunning } from "./cgroup.ts";
import { createContainer } from "./create.ts";
import { inspectContainer } from "./inspect.ts";
import { killContainer } from "./kill.ts";
import { removeLink } from "./links.ts";
import { listContainers } from "./list.ts";
import { pauseContainer, unpauseContainer } from "./pause.ts";
import { changePorts } from "./ports.ts";
import { pruneContainers } from "./prune.ts";
import { changeRate } from "./rate.ts";
import { type RemoveOptions, removeContainer } from "./remove.ts";
import { renameContainer } from "./rename.ts";
import { startContainer } from "./start.ts";
import { containerStats } from "./stats.ts";
import { restartContainer, stopContainer } from "./stop.ts";
import { updateContainer } from "./update.ts";
import { waitContainer } from "./wait.ts";

/** The verbs on a container's files: made beside, in archive/. */
export type ArchiveVerbs = Pick<ContainerBackend, "changes" | "export" | "archiveStat" | "archiveGet" | "archivePut">;

export class ContainerVerbs implements ContainerBackend {
  readonly #engine: EngineContext;
  readonly #archive: ArchiveVerbs;

  constructor(engine: EngineContext, archive: ArchiveVerbs) {
    this.#engine = engine;
    this.#archive = archive;
  }

  create(request: ContainerCreateRequest, signal: AbortSignal) {
    return createContainer(this.#engine, request, signal);
  }

  async start(ref: string, _options: { detachKeys: string | undefined }) {
    await startContainer(this.#engine, this.#find(ref));
  }

  async stop(ref: string, options: StopOptions) {
    await stopContainer(this.#engine, this.#find(ref), options);
  }

  async restart(ref: string, options: StopOptions) {
    await restartContainer(this.#engine, this.#find(ref), options);
  }

  async kill(ref: string, options: KillOptions) {
    await killContainer(this.#engine, ref, options);
  }

  async pause(ref: string) {
    await pauseContainer(this.#engine, this.#find(ref));
  }

  async unpause(ref: string) {
    await unpauseContainer(this.#engine, this.#find(ref));
  }

  async rename(ref: string, name: string) {
    await renameContainer(this.#engine, this.#find(ref), name);
  }

  async changePorts(ref: string, { Add, Remove }: PortChangeRequest) {
    await changePorts(this.#engine, this.#find(ref), Add ?? {}, Remove ?? {});
  }

  async changeRate(ref: string, rate: NetworkRate) {
    await changeRate(this.#engine, this.#find(ref), rate);
  }

  async update(ref: string, request: UpdateRequest) {
    return updateContainer(this.#engine, this.#find(ref), request);
  }

  async remove(ref: string, options: RemoveOptions) {
    if (options.link) return removeLink(this.#engine.containers, ref);
    await removeContainer(this.#engine, this.#find(ref), options);
  }

  async wait(ref: string, condition: WaitCondition, signal: AbortSignal) {
    return waitContainer(this.#find(ref), condition, signal);
  }

  list(options: ContainerListOptions) {
    return listContainers(this.#engine, options);
  }

  async inspect(ref: string, options: { size: boolean }) {
    return inspectContainer(this.#engine, this.#find(ref), options);
  }

  async top(ref: string, psArgs: string) {
    const container = this.#find(ref);
    requireRunning(container);
    const processes = await top(await cgroupOf(this.#engine, container).pids(), psArgs);
    this.#engine.events.emit("container", "top", container.id, container.attributes);
    return processes;
  }

  async logs(ref: string, options: LogOptions, signal: AbortSignal) {
    return containerLogs(this.#find(ref), options, signal);
  }

  async stats(ref: string, options: { stream: boolean; oneShot: boolean }, signal: AbortSignal) {
    return containerStats(this.#engine, this.#find(ref), options, signal);
  }

  async attach(ref: string, options: AttachOptions) {
    return attachContainer(this.#engine, this.#find(ref), options);
  }

  async resize(ref: string, height: number, width: number) {
    const container = this.#find(ref);
    await resizeContainer(container, height, width);
    const size = { height: String(height), width: String(width) };
    this.#engine.events.emit("container", "resize", container.id, { ...container.attributes, ...size });
  }

  changes(ref: string) {
    return this.#archive.changes(ref);
  }

  export(ref: string, signal: AbortSignal) {
    return this.#archive.export(ref, signal);
  }

  archiveStat(ref: string, path: string) {
    return this.#archive.archiveStat(ref, path);
  }

  archiveGet(ref: string, path: string, signal: AbortSignal) {
    return this.#archive.archiveGet(ref, path, signal);
  }

  archivePut(ref: string, options: ArchivePutOptions, tar: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    return this.#archive.archivePut(ref, options, tar, signal);
  }

  prune(filters: Filters) {
    return pruneContainers(this.#engine, filters);
  }

  #find(ref: string) {
    return this.#engine.containers.find(ref);
  }
}
