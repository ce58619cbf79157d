// A server over a fake backend on a unix socket of its own, and raw connections to it. For tests.

import { mkdtempSync, rmSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../client/client.ts";
import type { Limits } from "../server/options.ts";
import { type ApiServer, createApiServer } from "../server/server.ts";
import { type FakeParts, fakeBackend, memoryLog } from "./fake.ts";

export interface Harness extends AsyncDisposable {
  readonly server: ApiServer;
  readonly folder: string;
  readonly path: string;
  readonly log: ReturnType<typeof memoryLog>;
  client(version?: string): ApiClient;
  /** One request, as text: status, headers (lower case) and body. */
  ask(method: string, target: string, options?: { body?: string; headers?: Record<string, string> }): Promise<Asked>;
  raw(): Promise<RawConnection>;
}

export interface Asked {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly json: unknown;
}

export async function startHarness(
  parts: FakeParts,
  limits: Partial<Limits> = {},
  unread: () => number = () => 0,
): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), "hoy-api-"));
  const path = join(folder, "api.sock");
  const log = memoryLog();
  const server = createApiServer({ backend: fakeBackend(parts), log, productVersion: "0.0.0-test", limits, unread });
  await server.listen({ kind: "unix", path, gid: -1 });
  const client = (version?: string) =>
    new ApiClient({ kind: "unix", path, text: `unix://${path}` }, version === undefined ? {} : { version });
  return {
    server,
    folder,
    path,
    log,
    client,
    async ask(method, target, { body, headers = {} } = {}) {
      await using connection = await connectRaw(path);
      const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
      const all = { Host: "test", Connection: "close", ...length, ...headers };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      connection.send(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`);
      return parseAnswer(await connection.all());
    },
    raw: () => connectRaw(path),
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Status and message of an answer that is an error; `body` is sent as JSON. */
export async function messageOf(harness: Harness, method: string, target: string, body?: string) {
  const json = { "Content-Type": "application/json" };
  const answer = await harness.ask(method, target, body === undefined ? {} : { body, headers: json });
  return [answer.status, (answer.json as { message: string }).message] as const;
}

/** A connection of bytes. */
export interface RawConnection extends AsyncDisposable {
  send(data: string | Uint8Array): void;
  /** Closes our half. */
  end(): void;
  destroy(): void;
  /** All that has come, once it holds `text`. Fails when the connection closes before. */
  until(text: string): Promise<string>;
  /** All that comes until the other side closes. */
  all(): Promise<string>;
  readonly socket: net.Socket;
}

export async function connectRaw(where: string | net.NetConnectOpts): Promise<RawConnection> {
  const socket = typeof where === "string" ? net.connect({ path: where, allowHalfOpen: true }) : net.connect(where);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return overSocket(socket);
}

export function overSocket(socket: net.Socket): RawConnection {
  let got = "";
  let closed = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const each of waiting) each();
  };
  socket.on("data", (data: Buffer) => {
    got += data.toString("latin1");
    wake();
  });
  for (const event of ["end", "close", "error"]) {
    socket.on(event, () => {
      closed = true;
      wake();
    });
  }
  const when = (ready: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!ready()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return {
    socket,
    send: (data) => void socket.write(data),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    async until(text) {
      await when(() => closed || got.includes(text));
      if (!got.includes(text)) throw new Error(`closed before ${JSON.stringify(text)}; got ${JSON.stringify(got)}`);
      return got;
    },
    async all() {
      await when(() => closed);
      return got;
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

/** Takes an answer apart, its chunks put together. */
export function parseAnswer(answer: string): Asked {
  const split = answer.indexOf("\r\n\r\n");
  const [first = "", ...lines] = answer.slice(0, split).split("\r\n");
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const raw = answer.slice(split + 4);
  const text = headers.get("transfer-encoding") === "chunked" ? unchunk(raw) : raw;
  return {
    status: Number(first.split(" ")[1]),
    headers,
    text,
    get json() {
      return JSON.parse(text) as unknown;
    },
  };
}

function unchunk(raw: string): string {
  let text = "";
  for (let at = 0; at < raw.length; ) {
    const line = raw.indexOf("\r\n", at);
    const size = Number.parseInt(raw.slice(at, line), 16);
    if (!(size > 0)) break;
    text += raw.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return text;
}
