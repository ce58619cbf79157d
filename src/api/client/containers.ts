// The verbs on containers and execs, thin: each is one request.

import type {
  ArchivePutOptions,
  AttachOptions,
  CommitOptions,
  ContainerCreateRequest,
  ContainerListOptions,
  LogOptions,
  OutputChunk,
  PathStat,
  StopOptions,
  UpdateRequest,
  WaitCondition,
} from "../backend.ts";
import { encodeFilters } from "../filters.ts";
import type {
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  ContainerWaitResponse,
  FilesystemChange,
} from "../types/container.ts";
import type { ExecCreateRequest, ExecInspectResponse, ExecStartRequest } from "../types/exec.ts";
import type { ContainerStatsResponse } from "../types/stats.ts";
import { pathStatOf } from "./path-stat.ts";
import type { Transport } from "./transport.ts";
import { chunksOf, jsonLines, type ProcessStream, processStream, segment } from "./verbs.ts";

export class ContainersClient {
  readonly #t: Transport;

  constructor(transport: Transport) {
    this.#t = transport;
  }

  list(options: Partial<ContainerListOptions> = {}): Promise<ContainerSummary[]> {
    const { all, limit, size, filters } = options;
    const query = { all, limit, size, filters: filters && encodeFilters(filters) };
    return this.#t.json("GET", "/containers/json", { query });
  }

  create(request: ContainerCreateRequest, signal?: AbortSignal): Promise<ContainerCreateResponse> {
    const { name, platform, config, hostConfig, networkingConfig } = request;
    return this.#t.json("POST", "/containers/create", {
      query: { name, platform },
      json: { ...config, HostConfig: hostConfig, NetworkingConfig: networkingConfig },
      signal,
    });
  }

  inspect(ref: string, options: { size?: boolean } = {}): Promise<ContainerInspectResponse> {
    return this.#t.json("GET", path(ref, "json"), { query: { size: options.size } });
  }

  async start(ref: string, options: { detachKeys?: string | undefined; checkpoint?: string | undefined } = {}) {
    await this.#t.done("POST", path(ref, "start"), { query: { ...options } });
  }

  async stop(ref: string, options: Partial<StopOptions> = {}, signal?: AbortSignal): Promise<void> {
    await this.#t.done("POST", path(ref, "stop"), { query: { signal: options.signal, t: options.timeout }, signal });
  }

  async restart(ref: string, options: Partial<StopOptions> = {}, signal?: AbortSignal): Promise<void> {
    await this.#t.done("POST", path(ref, "restart"), { query: { signal: options.signal, t: options.timeout }, signal });
  }

  async kill(ref: string, signalName?: string): Promise<void> {
    await this.#t.done("POST", path(ref, "kill"), { query: { signal: signalName } });
  }

  async pause(ref: string): Promise<void> {
    await this.#t.done("POST", path(ref, "pause"));
  }

  async unpause(ref: string): Promise<void> {
    await this.#t.done("POST", path(ref, "unpause"));
  }

  async rename(ref: string, name: string): Promise<void> {
    await this.#t.done("POST", path(ref, "rename"), { query: { name } });
  }

  update(ref: string, request: UpdateRequest): Promise<ContainerUpdateResponse> {
    return this.#t.json("POST", path(ref, "update"), { json: request });
  }

  async remove(ref: string, options: { force?: boolean; volumes?: boolean; link?: boolean } = {}): Promise<void> {
    const { force, volumes, link } = options;
    await this.#t.done("DELETE", `/containers/${segment(ref)}`, { query: { force, v: volumes, link } });
  }

  /** Resolves when the wait is armed (nothing that happens afterwards is missed); `result` when it is over. */
  async wait(
    ref: string,
    condition: WaitCondition = "not-running",
    signal?: AbortSignal,
  ): Promise<{ result: Promise<ContainerWaitResponse> }> {
    const answer = await this.#t.send("POST", path(ref, "wait"), { query: { condition }, signal });
    const result = (async () => {
      for await (const value of jsonLines<ContainerWaitResponse>(answer)) return value;
      throw new Error("the engine ended the wait without an answer");
    })();
    result.catch(() => undefined); // whoever awaits it gets the error; nobody may
    return { result };
  }

  top(ref: string, psArgs?: string): Promise<ContainerTopResponse> {
    return this.#t.json("GET", path(ref, "top"), { query: { ps_args: psArgs } });
  }

  /** `tty`: whether the container has a terminal (its logs are raw bytes then). */
  async logs(
    ref: string,
    options: Partial<LogOptions> & { tty: boolean },
    signal?: AbortSignal,
  ): Promise<AsyncGenerator<OutputChunk>> {
    const { tty, ...query } = options;
    const answer = await this.#t.send("GET", path(ref, "logs"), { query, signal });
    return chunksOf(answer.body, answer.headers.get("content-type") ?? "", tty);
  }

  async stats(
    ref: string,
    options: { stream: boolean; oneShot?: boolean },
    signal?: AbortSignal,
  ): Promise<AsyncGenerator<ContainerStatsResponse>> {
    const query = { stream: options.stream ? "1" : "0", "one-shot": options.oneShot };
    return jsonLines(await this.#t.send("GET", path(ref, "stats"), { query, signal }));
  }

  async attach(
    ref: string,
    options: Partial<AttachOptions> & { tty: boolean },
    signal?: AbortSignal,
  ): Promise<ProcessStream> {
    const { tty, ...query } = options;
    return processStream(await this.#t.hijack(path(ref, "attach"), { query, signal }), tty);
  }

  async resize(ref: string, height: number, width: number): Promise<void> {
    await this.#t.done("POST", path(ref, "resize"), { query: { h: height, w: width } });
  }

  async changes(ref: string): Promise<FilesystemChange[]> {
    return (await this.#t.json<FilesystemChange[] | null>("GET", path(ref, "changes"))) ?? [];
  }

  async export(ref: string, signal?: AbortSignal): Promise<AsyncGenerator<Uint8Array>> {
    return (await this.#t.send("GET", path(ref, "export"), { signal })).body;
  }

  async archiveStat(ref: string, file: string): Promise<PathStat> {
    const { headers } = await this.#t.done("HEAD", path(ref, "archive"), { query: { path: file } });
    return pathStatOf(headers);
  }

  async archiveGet(
    ref: string,
    file: string,
    signal?: AbortSignal,
  ): Promise<{ stat: PathStat; tar: AsyncGenerator<Uint8Array> }> {
    const { headers, body } = await this.#t.send("GET", path(ref, "archive"), { query: { path: file }, signal });
    return { stat: pathStatOf(headers), tar: body };
  }

  async archivePut(
    ref: string,
    options: ArchivePutOptions,
    tar: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void> {
    const { path: file, noOverwriteDirNonDir, copyUidGid } = options;
    const query = { path: file, noOverwriteDirNonDir, copyUIDGID: copyUidGid };
    await this.#t.done("PUT", path(ref, "archive"), {
      query,
      upload: { type: "application/x-tar", body: tar },
      signal,
    });
  }

  prune(
    filters?: ContainerListOptions["filters"],
  ): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }> {
    return this.#t.json("POST", "/containers/prune", { query: { filters: filters && encodeFilters(filters) } });
  }

  commit(options: CommitOptions): Promise<{ Id: string }> {
    const { container, repo, tag, comment, author, pause, changes, config } = options;
    const query = { container, repo, tag, comment, author, changes, pause: pause ? undefined : "0" };
    return this.#t.json("POST", "/commit", { query, json: config ?? {} });
  }
}

export class ExecClient {
  readonly #t: Transport;

  constructor(transport: Transport) {
    this.#t = transport;
  }

  create(container: string, request: ExecCreateRequest): Promise<{ Id: string }> {
    return this.#t.json("POST", path(container, "exec"), { json: request });
  }

  /** Starts it and leaves it alone. */
  async startDetached(id: string, request: ExecStartRequest = {}): Promise<void> {
    await this.#t.done("POST", `/exec/${segment(id)}/start`, { json: { ...request, Detach: true } });
  }

  async start(id: string, request: ExecStartRequest & { Tty: boolean }, signal?: AbortSignal): Promise<ProcessStream> {
    return processStream(await this.#t.hijack(`/exec/${segment(id)}/start`, { json: request, signal }), request.Tty);
  }

  async resize(id: string, height: number, width: number): Promise<void> {
    await this.#t.done("POST", `/exec/${segment(id)}/resize`, { query: { h: height, w: width } });
  }

  inspect(id: string): Promise<ExecInspectResponse> {
    return this.#t.json("GET", `/exec/${segment(id)}/json`);
  }
}

function path(ref: string, verb: string): string {
  return `/containers/${segment(ref)}/${verb}`;
}
