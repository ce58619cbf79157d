// The client's ssh agent as a unix socket: each connection to it is a stream of the session, bytes both ways.

import { chmod, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { methodPath } from "../grpc/service.ts";
import { CODE, GrpcError } from "../grpc/status.ts";
import { SSH } from "../proto/gen/ssh_pb.ts";
import type { ClientSession } from "./sessions.ts";

const ID = "buildkit.ssh.id";
/** Connections of a step to the agent at a time. */
const MAX_CONNECTIONS = 64;

/** @returns the socket's path, which is there until the signal fires; undefined when the client has no such agent. */
export async function forwardAgent(
  session: ClientSession,
  id: string,
  directory: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!session.supports(methodPath(SSH.method.forwardAgent))) return undefined;
  const named = id === "" ? "default" : id;
  try {
    await session.client.unary(SSH.method.checkAgent, { id: named }, { signal });
  } catch (thrown) {
    // The one answer of a client that forwards other agents, or none (BuildKit's session/sshforward/sshprovider).
    if (thrown instanceof GrpcError && thrown.code !== CODE.cancelled && thrown.code !== CODE.unavailable)
      return undefined;
    throw thrown;
  }
  const path = join(directory, `build-ssh-${crypto.randomUUID()}.sock`);
  const server = createServer((socket) => void carry(session, named, socket, signal));
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  const close = () => {
    server.close();
    void rm(path, { force: true });
  };
  if (signal.aborted) close();
  else signal.addEventListener("abort", close, { once: true });
  return path;
}

async function carry(session: ClientSession, id: string, socket: Socket, signal: AbortSignal): Promise<void> {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  socket.on("error", () => socket.destroy());
  try {
    const metadata = new Map([[ID, [id]]]);
    const both = AbortSignal.any([signal, gone.signal]);
    const call = session.client.open(SSH.method.forwardAgent, { signal: both, metadata });
    const up = (async () => {
      for await (const data of socket) if (data instanceof Uint8Array) await call.send({ data });
      call.end();
    })();
    up.catch(() => socket.destroy());
    for await (const { data } of call.answers) {
      if (!socket.write(data))
        await new Promise<void>((resolve) => void socket.once("drain", resolve).once("close", resolve));
    }
    socket.end();
  } catch {
    socket.destroy(); // what it died of is the agent's or the command's affair: both see a closed connection
  }
}
