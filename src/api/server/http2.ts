// The door for HTTP/2: with prior knowledge, or over a connection that was taken over for it (/grpc). gRPC clients knock
// here. Without services behind it each request is told so in the way its protocol says errors (gRPC: status 12
// UNIMPLEMENTED in trailers-only form).

import * as http2 from "node:http2";
import type { Duplex } from "node:stream";
import type { Log } from "./options.ts";

/** Serves one HTTP/2 stream; given instead of the default by whoever has gRPC services. */
export type Http2Handler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

export class Http2Door {
  readonly #log: Log;
  readonly #handler: Http2Handler;
  #server: http2.Http2Server | undefined;
  readonly #sessions = new Set<http2.ServerHttp2Session>();

  constructor(log: Log, handler: Http2Handler = unimplemented) {
    this.#log = log;
    this.#handler = handler;
  }

  /** Takes a connection whose first bytes are the preface. */
  accept(socket: Duplex): void {
    this.#server ??= this.#make();
    this.#server.emit("connection", socket);
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#server?.close();
  }

  #make(): http2.Http2Server {
    const server = http2.createServer({ settings: { maxConcurrentStreams: 100 }, maxSessionMemory: 10 });
    server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    server.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
      stream.on("error", (error) => this.#log.debug(`HTTP/2 stream: ${error.message}`));
      this.#handler(stream, headers);
    });
    server.on("sessionError", (error) => this.#log.debug(`HTTP/2: ${error.message}`));
    return server;
  }
}

function unimplemented(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  const path = String(headers[":path"] ?? "").slice(0, 200);
  if (String(headers["content-type"] ?? "").startsWith("application/grpc")) {
    const message = encodeURIComponent(`unknown service ${path.split("/")[1] ?? ""}`);
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "grpc-status": "12", "grpc-message": message },
      { endStream: true },
    );
    return;
  }
  stream.respond({ ":status": 501, "content-type": "application/json" });
  stream.end(`${JSON.stringify({ message: "the API is served over HTTP/1.1; HTTP/2 is for gRPC" })}\n`);
}
