// For tests: a registry that is a cache of another, and between the two a proxy that counts and can do harm.

import { readdir, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { withBooks } from "../admin.ts";
import { TestRegistry } from "../testing.ts";
import type { Upstream } from "./upstreams.ts";

type Harm = (request: IncomingMessage, response: ServerResponse, answer: Buffer) => boolean | Promise<boolean>;

export async function cached(upstream: Partial<Upstream> = {}) {
  const origin = await TestRegistry.start();
  const asked: string[] = [];
  const state: { harm: Harm | undefined; away: boolean } = { harm: undefined, away: false };
  const proxy = createServer(async (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (state.away) return void request.socket.destroy();
    const { range, accept } = request.headers;
    const headers = {
      ...(range === undefined ? {} : { Range: range }),
      ...(accept === undefined ? {} : { Accept: accept }),
    };
    const answer = await origin.request(request.method ?? "GET", request.url ?? "/", { headers });
    const body = Buffer.from(await answer.arrayBuffer());
    if (state.harm !== undefined && (await state.harm(request, response, body))) return;
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(body);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  const remote = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  const registry = await TestRegistry.start();
  const whole = { prefix: "hub", remote, ttl: 60_000, insecure: true, username: undefined, password: undefined };
  withBooks(registry.root, ({ upstreams }) => upstreams.set({ ...whole, ...upstream }));
  return {
    origin,
    registry,
    asked,
    state,
    count: (part: string) => asked.filter((line) => line.includes(part)).length,
    uploads: () => readdir(join(registry.root, "uploads")),
    /** Bytes that all uploads have on the disk. */
    uploaded: async () => {
      const directory = join(registry.root, "uploads");
      const sizes = (await readdir(directory)).map(async (name) => (await stat(join(directory, name))).size);
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    },
    get: (path: string, headers: Record<string, string> = {}) => registry.request("GET", path, { headers }),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
      await origin[Symbol.asyncDispose]();
    },
  };
}

export const big = (letter: string) => letter.repeat(3 * 1024 * 1024 + 17);
