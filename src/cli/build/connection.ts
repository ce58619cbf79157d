// The two connections of a build, by BuildKit's protocol: one on which the engine is called, and one on which it calls
// back for what the client lends (files, credentials, secrets). Both are taken over from HTTP.

import * as http2 from "node:http2";
import { Duplex } from "node:stream";
import type { Hijacked, Transport } from "../../api/client/transport.ts";
import { GrpcClient } from "../../build/buildkit/grpc/client.ts";
import { GrpcServer } from "../../build/buildkit/grpc/server.ts";
import type { ServiceTable } from "../../build/buildkit/grpc/service.ts";
import { DIRECT_HEADER } from "../../build/buildkit/proto/pieces.ts";

export interface BuildConnection extends Disposable {
  readonly control: GrpcClient;
  /** Fires when the engine has gone. */
  readonly closed: AbortSignal;
}

export interface SessionNames {
  readonly id: string;
  /** The same for every build of this directory by this user: only what changed is sent again. */
  readonly sharedKey: string;
  /** Contents of files can come on a connection of their own (src/build/buildkit/proto/pieces.ts). */
  readonly takesDirect: boolean;
}

/** @throws DaemonError for an engine that does not speak BuildKit's protocol. */
export async function connectBuild(
  engine: Transport,
  session: SessionNames,
  services: readonly ServiceTable[],
  signal: AbortSignal,
): Promise<BuildConnection> {
  const methods = services.flatMap((table) => [...table.keys()]);
  // One line for each method: what BuildKit reads, as several headers of one name.
  const headers = {
    "X-Docker-Expose-Session-Uuid": session.id,
    "X-Docker-Expose-Session-Sharedkey": session.sharedKey,
    "X-Docker-Expose-Session-Grpc-Method": methods,
    ...(session.takesDirect ? { [DIRECT_HEADER]: "1" } : {}),
  };
  const [lending, calling] = await Promise.all([
    engine.hijack("/session", { headers, signal }, "h2c"),
    engine.hijack("/grpc", { signal }, "h2c"),
  ]);
  const [lent, called] = [duplexOf(lending), duplexOf(calling)];
  // HTTP/2 knows no half-closed connection: the engine's end of it is the end, and nobody waits for an answer any more.
  for (const socket of [lent, called]) socket.once("end", () => socket.destroy());
  serve(lent, services);
  const control = new GrpcClient(called, () => undefined);
  return {
    control,
    closed: control.closed,
    [Symbol.dispose]() {
      control.close();
      lent.destroy();
    },
  };
}

function serve(socket: Duplex, services: readonly ServiceTable[]): void {
  // What fails is told to the engine, which says it in the build's own error.
  const server = new GrpcServer({ services, failed: () => undefined });
  const door = http2.createServer();
  door.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on("error", () => undefined);
    server.serve(stream, headers);
  });
  door.on("sessionError", () => socket.destroy());
  door.emit("connection", socket);
}

/** A connection that was taken over, as Node's streams are. */
export function duplexOf({ output, write, closeWrite, close }: Hijacked): Duplex {
  let isReading = false;
  const socket = new Duplex({
    read() {
      if (isReading) return;
      isReading = true;
      output.next().then(
        ({ done, value }) => {
          isReading = false;
          socket.push(done === true ? null : value);
        },
        (error: Error) => socket.destroy(error),
      );
    },
    write(chunk: Uint8Array, _encoding, done) {
      write(chunk).then(() => done(), done);
    },
    // HTTP/2 writes in small pieces: what waits goes out as one.
    writev(pieces, done) {
      write(Buffer.concat(pieces.map(({ chunk }) => chunk as Uint8Array))).then(() => done(), done);
    },
    final(done) {
      closeWrite();
      done();
    },
    destroy(error, done) {
      close();
      done(error);
    },
  });
  // Told to whoever reads or writes.
  socket.on("error", () => undefined);
  return socket;
}
