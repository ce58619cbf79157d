// For tests: an engine on a unix socket that answers what it is told and keeps what it was asked. Both docker's own
// client and ours talk to it, and are compared.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Asked {
  readonly method: string;
  /** Path without the version. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** An answer: JSON of the value, or as the function writes it. */
export type Answer = unknown | ((asked: Asked, response: ServerResponse) => void);

export class FakeEngine implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "hoy-cli-"));
  readonly socket = join(this.directory, "engine.sock");
  readonly host = `unix://${this.socket}`;
  asked: Asked[] = [];
  /** By "METHOD /path"; a path may end in "*". */
  readonly answers = new Map<string, Answer>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.socket, resolve));
    return this;
  }

  /** What was asked since the last call, pings left out: clients differ in when they ask for the version. */
  take(): Asked[] {
    const taken = this.asked.filter(({ path }) => path !== "/_ping");
    this.asked = [];
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const url = new URL(request.url ?? "/", "http://engine");
    const asked: Asked = {
      method: request.method ?? "",
      path: url.pathname.replace(/^\/v1\.\d+/, ""),
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: Buffer.concat(pieces).toString(),
    };
    this.asked.push(asked);
    response.setHeader("Api-Version", "1.51");
    response.setHeader("Ostype", "linux");
    if (asked.path === "/_ping") {
      response.end("OK");
      return;
    }
    const answer = this.#answerTo(`${asked.method} ${asked.path}`);
    if (typeof answer === "function") (answer as (asked: Asked, response: ServerResponse) => void)(asked, response);
    else if (answer === undefined) fail(response, 404, `no such thing: ${asked.path}`);
    else response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
  }

  #answerTo(line: string): Answer {
    if (this.answers.has(line)) return this.answers.get(line);
    for (const [pattern, answer] of this.answers)
      if (pattern.endsWith("*") && line.startsWith(pattern.slice(0, -1))) return answer;
    return undefined;
  }
}

export function fail(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ message }));
}
