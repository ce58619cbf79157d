// The listener for metrics: an address of its own, so that a monitor needs no account and the world no way to it.

import { createServer, type Server } from "node:http";
import type { Metrics } from "./metrics.ts";
import type { Overview } from "./overview.ts";

/** `GET /metrics`, and `GET /health` for whoever starts and stops servers. The caller listens. */
export function metricsServer(metrics: Metrics, overview: Overview): Server {
  return createServer((request, response) => {
    const reading = request.method === "GET" || request.method === "HEAD";
    const found = request.url === "/metrics" || request.url === "/health";
    if (!reading || !found) {
      response.writeHead(found ? 405 : 404, { "Content-Length": 0 });
      response.end();
      return;
    }
    const body = request.url === "/metrics" ? metrics.text(overview) : "ok\n";
    response.writeHead(200, {
      "Content-Type": request.url === "/metrics" ? "text/plain; version=0.0.4; charset=utf-8" : "text/plain",
      "Content-Length": Buffer.byteLength(body),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  });
}
