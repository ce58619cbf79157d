// BuildKit's API, whole: gRPC services behind HTTP/2 streams, and the sessions that clients open beside them. Who has
// connections (the API server) and who has images (the engine) gives both here.

import type * as http2 from "node:http2";
import type { Duplex } from "node:stream";
import { HoyError } from "../../base/error.ts";
import { within } from "../../base/within.ts";
import { Builds } from "./control/builds.ts";
import { History } from "./control/history.ts";
import { controlService } from "./control/service.ts";
import { clientBridge } from "./gateway/bridge.ts";
import { gatewayService } from "./gateway/service.ts";
import { GrpcServer } from "./grpc/server.ts";
import { service } from "./grpc/service.ts";
import type { BuildkitNeeds } from "./needs.ts";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "./proto/gen/health_pb.ts";
import { DIRECT_PROTOCOL } from "./proto/pieces.ts";
import { type RestBuild, type RestProgress, restBuild } from "./rest.ts";
import { Results } from "./result.ts";
import { DirectFiles } from "./session/direct.ts";
import { LocalFiles } from "./session/local-files.ts";
import { type Headers, headersOf, Sessions } from "./session/sessions.ts";

/** Milliseconds that an engine which stops waits for its builds. */
const PATIENCE = 10_000;

export interface Buildkit {
  /** Serves one HTTP/2 stream. */
  serve(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void;
  /** @throws HoyError when no session can be opened with these headers (names and values in turn). */
  checkSession(rawHeaders: readonly string[]): void;
  /** Takes a connection on which the client serves gRPC, or gives contents of its files. */
  openSession(socket: Duplex, rawHeaders: readonly string[]): void;
  /** A build that was asked for over REST. */
  build(asked: RestBuild, signal: AbortSignal): AsyncIterable<RestProgress>;
  /** Cancels every build, and waits for their ends: what they hold goes before what it lies on does. */
  close(): Promise<void>;
}

export function openBuildkit(needs: BuildkitNeeds): Buildkit {
  const sessions = new Sessions(needs.log);
  const directs = new DirectFiles();
  const files = new LocalFiles(needs.solver, directs);
  const builds = new Builds({ needs, sessions, files, results: new Results() });
  const history = new History({ ...needs.history, now: needs.now });
  const server = new GrpcServer({
    services: [
      controlService({ needs, sessions, builds, history }),
      gatewayService(clientBridge(builds), needs),
      service(Health, { check: async () => ({ status: Serving.SERVING }) }),
    ],
    failed(path, error) {
      const isKnown = error instanceof HoyError && error.code !== "internal";
      if (!isKnown) needs.log.debug("a call of BuildKit's API failed", { path, error: String(error) });
    },
  });
  return {
    serve: (stream, headers) => server.serve(stream, headers),
    build: (asked, signal) => restBuild(asked, signal, { needs, sessions, builds, history }),
    checkSession(raw) {
      const headers = headersOf(raw);
      if (isDirect(headers)) directs.check(headers);
      else sessions.check(headers);
    },
    openSession(socket, raw) {
      const headers = headersOf(raw);
      if (isDirect(headers)) directs.take(socket, headers);
      else sessions.accept(socket, headers);
    },
    async close() {
      const ended = builds.cancelAll(new HoyError("unavailable", "the engine is stopping"));
      sessions.close();
      await within(ended, PATIENCE);
    },
  };
}

function isDirect(headers: Headers): boolean {
  return headers.one("upgrade") === DIRECT_PROTOCOL;
}
