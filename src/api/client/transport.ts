// Requests to one engine: connecting, keeping idle connections, the version in the path, errors as exceptions. Knows
// HTTP and no verb. A command that asks one thing makes one connection and one round trip: the version is not asked for,
// the newest is used, and only an engine that refuses it makes us ask again with its own.

import { HoyError } from "../../base/error.ts";
import { build } from "../../base/version.ts";
import { API_VERSION, compareVersions, isVersion } from "../version.ts";
import type { Endpoint } from "./endpoint.ts";
import { connectError, DaemonError, daemonError } from "./errors.ts";
import { abortCloses, closing, encodeQuery, headOf, type QueryValue, textOf } from "./exchange.ts";
import { Reader, type ResponseHead, readBody, writeChunked, writeRequest } from "./http1.ts";

import { connectSocket, type Wire } from "./wire.ts";

export interface RequestOptions {
  /** undefined and false are left out; lists are repeated. */
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** A list: a line for each. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it comes. An engine may answer before it is whole. */
  readonly upload?: { readonly type: string; readonly body: AsyncIterable<Uint8Array> };
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** To be read to its end, or left by `close`, else the connection stays open. */
  readonly body: AsyncGenerator<Uint8Array>;
  /** Lets go of the connection; idempotent, and nothing to do once the body was read. */
  close(): void;
}

/** A connection that has been taken over: bytes both ways, each half closed by itself. */
export interface Hijacked {
  /** "application/vnd.docker.raw-stream" or "…multiplexed-stream". */
  readonly mediaType: string;
  readonly output: AsyncGenerator<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  closeWrite(): void;
  close(): void;
}

export interface TransportOptions {
  /** Fixes the version (DOCKER_API_VERSION): nothing is negotiated then. */
  readonly version?: string | undefined;
  /** Extra headers of every request (HttpHeaders of the config file). */
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of connecting by the endpoint; for tests and dial-stdio. */
  readonly connect?: () => Promise<Wire>;
}

export class Transport {
  readonly endpoint: Endpoint;
  readonly #options: TransportOptions;
  readonly #idle: Reader[] = [];
  #version: string;
  #settled: boolean;

  /** @throws HoyError "invalid" for a version that is none. */
  constructor(endpoint: Endpoint, options: TransportOptions = {}) {
    const fixed = options.version?.replace(/^v/, "");
    if (fixed !== undefined && !isVersion(fixed)) throw new HoyError("invalid", `invalid API version: ${fixed}`);
    this.endpoint = endpoint;
    this.#options = options;
    this.#version = fixed ?? API_VERSION;
    this.#settled = fixed !== undefined;
  }

  /** The version that is spoken, as far as is known. */
  get version(): string {
    return this.#version;
  }

  /** Any request; an error's status throws. @throws DaemonError, HoyError "unavailable". */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    // An upload can't be sent twice, so the version has to be right the first time.
    if (options.upload !== undefined) await this.negotiate(options.signal);
    const version = this.#version;
    try {
      return await this.#send(method, path, options);
    } catch (thrown) {
      if (!this.#downgrade(thrown, version)) throw thrown;
      return await this.#send(method, path, options);
    }
  }

  /** The answer's JSON. */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const { body } = await this.send(method, path, options);
    const text = await textOf(body);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new HoyError("unavailable", "the engine's answer is not JSON", { cause });
    }
  }

  /** Waits for the answer and drops its body. */
  async done(method: string, path: string, options: RequestOptions = {}): Promise<ResponseHead> {
    const { body, status, headers } = await this.send(method, path, options);
    for await (const _ of body);
    return { status, headers };
  }

  /** Takes the connection over (attach, exec): `Upgrade: tcp`. */
  async hijack(path: string, options: RequestOptions = {}, protocol = "tcp"): Promise<Hijacked> {
    const version = this.#version;
    try {
      return await this.#hijack(path, options, protocol);
    } catch (thrown) {
      if (!this.#downgrade(thrown, version)) throw thrown;
      return await this.#hijack(path, options, protocol);
    }
  }

  /** Asks for the engine's version by a ping, once; only needed before uploads and for showing it. */
  async negotiate(signal?: AbortSignal): Promise<string> {
    if (this.#settled) return this.#version;
    const { headers, body } = await this.#exchange("HEAD", "/_ping", { signal });
    for await (const _ of body);
    this.#settle(headers.get("api-version"));
    return this.#version;
  }

  /** Closes what is idle. */
  close(): void {
    for (const reader of this.#idle.splice(0)) reader.wire.close();
  }

  /** Whether an error says that the version was too new; takes the engine's own then. */
  #downgrade(thrown: unknown, asked: string): boolean {
    if (this.#settled || !(thrown instanceof DaemonError) || thrown.answered !== 400) return false;
    const newest = /is too new\. Maximum supported API version is ([0-9.]+)/.exec(thrown.daemonMessage)?.[1];
    if (newest === undefined || compareVersions(newest, asked) >= 0) return false;
    this.#settle(newest);
    return true;
  }

  #settle(theirs: string | undefined): void {
    if (theirs !== undefined && isVersion(theirs) && compareVersions(theirs, this.#version) < 0) this.#version = theirs;
    this.#settled = true;
  }

  async #send(method: string, path: string, options: RequestOptions): Promise<Answer> {
    const answer = await this.#exchange(method, `/v${this.#version}${path}`, options);
    if (answer.status < 400 && answer.status !== 304) return answer;
    throw daemonError(answer.status, await textOf(answer.body));
  }

  async #exchange(method: string, path: string, options: RequestOptions): Promise<Answer> {
    const { reader, head, watch } = await this.#request(method, path, options, {});
    const keep = (head.headers.get("connection") ?? "").toLowerCase() !== "close" && options.upload === undefined;
    let left = false;
    const leave = (whole: boolean) => {
      if (left) return;
      left = true;
      watch[Symbol.dispose]();
      if (whole && keep && !reader.wire.closed) {
        reader.wire.setIdle(true);
        this.#idle.push(reader);
      } else reader.wire.close();
    };
    const body = closing(
      readBody(reader, method, head, () => leave(true)),
      () => leave(false),
      options.signal,
    );
    return { status: head.status, headers: head.headers, body, close: () => leave(false) };
  }

  async #hijack(path: string, options: RequestOptions, protocol: string): Promise<Hijacked> {
    const extra = { Connection: "Upgrade", Upgrade: protocol };
    const { reader, head, watch } = await this.#request("POST", `/v${this.#version}${path}`, options, extra);
    if (head.status !== 101 && head.status !== 200) {
      const text = await textOf(readBody(reader, "POST", head, () => undefined));
      watch[Symbol.dispose]();
      reader.wire.close();
      throw daemonError(head.status, text);
    }
    return {
      mediaType: head.headers.get("content-type") ?? "",
      output: reader.all(),
      write: (data) => reader.wire.write(data),
      closeWrite: () => reader.wire.end(),
      close: () => {
        watch[Symbol.dispose]();
        reader.wire.close();
      },
    };
  }

  /** Writes the request and reads the head of the answer. A connection that was idle and had died is replaced once. */
  async #request(method: string, path: string, options: RequestOptions, extra: Record<string, string>) {
    options.signal?.throwIfAborted();
    const json = options.json === undefined ? undefined : new TextEncoder().encode(JSON.stringify(options.json));
    const request = {
      method,
      target: `${path}${encodeQuery(options.query)}`,
      headers: this.#headers(options, json, method, extra),
    };
    for (;;) {
      const { reader, reused } = await this.#connection();
      const watch = abortCloses(options.signal, reader.wire);
      try {
        await writeRequest(reader.wire, request, json);
        const uploading = options.upload === undefined ? undefined : writeChunked(reader.wire, options.upload.body);
        return { reader, head: await headOf(reader, uploading), watch };
      } catch (thrown) {
        watch[Symbol.dispose]();
        reader.wire.close();
        options.signal?.throwIfAborted();
        if (reused && options.upload === undefined) continue;
        throw thrown;
      }
    }
  }

  #headers(options: RequestOptions, json: Uint8Array | undefined, method: string, extra: Record<string, string>) {
    const body: Record<string, string> = {};
    if (json !== undefined) {
      body["Content-Type"] = "application/json";
      body["Content-Length"] = String(json.length);
    } else if (options.upload !== undefined) {
      body["Content-Type"] = options.upload.type;
      body["Transfer-Encoding"] = "chunked";
    } else if (method === "POST" || method === "PUT") {
      body["Content-Length"] = "0";
    }
    const { endpoint } = this;
    const host = endpoint.kind === "tcp" ? `${endpoint.host}:${endpoint.port}` : "api.moby.localhost";
    return {
      Host: host,
      "User-Agent": `hoy/${build.version} (linux)`,
      ...this.#options.headers,
      ...body,
      ...extra,
      ...options.headers,
    };
  }

  async #connection(): Promise<{ reader: Reader; reused: boolean }> {
    for (let reader = this.#idle.pop(); reader !== undefined; reader = this.#idle.pop()) {
      reader.wire.setIdle(false);
      if (!reader.wire.closed) return { reader, reused: true };
      reader.wire.close();
    }
    try {
      return { reader: new Reader(await this.#connect()), reused: false };
    } catch (thrown) {
      throw connectError(this.endpoint, thrown);
    }
  }

  async #connect(): Promise<Wire> {
    const { endpoint } = this;
    if (this.#options.connect !== undefined) return this.#options.connect();
    if (endpoint.kind !== "ssh") return connectSocket(endpoint);
    // Loaded only here: node:child_process costs every other command some milliseconds.
    const { connectProcess, sshCommand } = await import("./process-wire.ts");
    return connectProcess(sshCommand(endpoint));
  }
}
