// The doors: a unix socket, TCP with TLS, plain TCP when that was asked for in so many words, and sockets that systemd
// opened for us (sd_listen_fds(3)).

import { chmodSync, chownSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { mkdtemp, rmdir } from "node:fs/promises";
import * as net from "node:net";
import { dirname, join } from "node:path";
import * as tls from "node:tls";
import { HoyError } from "../../base/error.ts";
import type { Log } from "./options.ts";

export interface TlsOptions {
  readonly cert: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** Given: clients must show a certificate that this authority signed (--tlsverify). */
  readonly clientCa?: string | Uint8Array;
}

export type Listener =
  /** `gid` owns the socket, mode 0660; -1: whoever runs the daemon. */
  | { readonly kind: "unix"; readonly path: string; readonly gid: number }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls: TlsOptions | false }
  /** An open, listening socket; whether it counts as remote is told by whoever knows what it is. */
  | { readonly kind: "fd"; readonly fd: number; readonly tls: TlsOptions | false; readonly remote: boolean };

export interface Listening {
  /** "unix:///run/hoy/hoy.sock", "tcp://127.0.0.1:2376", "fd://3"; the port is the real one when 0 was asked. */
  readonly address: string;
  /** No more connections; those there are go on. */
  close(): void;
}

export type Accept = (socket: net.Socket, remote: boolean) => void;

export async function listen(listener: Listener, log: Log, accept: Accept): Promise<Listening> {
  if (listener.kind === "unix") return listenUnix(listener.path, listener.gid, accept);
  const remote = listener.kind === "tcp" || listener.remote;
  const server = makeServer(listener.tls, remote, log, accept);
  if (listener.kind === "fd") {
    await opened(server, { fd: listener.fd }, `fd://${listener.fd}`);
    return { address: `fd://${listener.fd}`, close: () => void server.close() };
  }
  if (listener.tls === false) {
    log.warn("the API is open on TCP without TLS: whoever reaches this port is root here", { host: listener.host });
  }
  const name = listener.host.includes(":") ? `[${listener.host}]` : listener.host;
  await opened(server, { host: listener.host, port: listener.port }, `tcp://${name}:${listener.port}`);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : listener.port;
  return { address: `tcp://${name}:${port}`, close: () => void server.close() };
}

/**
 * The socket is made in a directory nobody else can enter, given its owner and mode there, and renamed to its place:
 * there is no moment in which it has more rights than it should, and a dead daemon's socket is replaced in one step.
 * @throws HoyError "conflict" when something answers on the path, or it is not a socket.
 */
async function listenUnix(path: string, gid: number, accept: Accept): Promise<Listening> {
  const before = lstatSync(path, { throwIfNoEntry: false });
  if (before !== undefined && !before.isSocket()) throw new HoyError("conflict", `${path} exists and is not a socket`);
  if (before !== undefined && (await answers(path))) {
    throw new HoyError("conflict", `another daemon is listening on ${path}`);
  }
  const server = makeServer(false, false, undefined, accept);
  const folder = await mkdtemp(join(dirname(path), ".hoy-"));
  const hidden = join(folder, "s"); // short: a socket's path ends at 107 bytes (unix(7))
  try {
    await opened(server, { path: hidden }, `unix://${path}`);
    chmodSync(hidden, 0o660);
    if (gid >= 0) chownSync(hidden, process.getuid?.() ?? 0, gid);
    renameSync(hidden, path);
  } finally {
    await rmdir(folder);
  }
  const own = lstatSync(path).ino;
  return {
    address: `unix://${path}`,
    close: () => {
      server.close();
      // Another daemon may have taken the path meanwhile; its socket is not ours to remove.
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === own) unlinkSync(path);
    },
  };
}

function makeServer(secure: TlsOptions | false, remote: boolean, log: Log | undefined, accept: Accept): net.Server {
  if (secure === false) return net.createServer({ allowHalfOpen: true }, (socket) => accept(socket, remote));
  const server = tls.createServer({
    cert: Buffer.from(secure.cert),
    key: Buffer.from(secure.key),
    ca: secure.clientCa === undefined ? undefined : Buffer.from(secure.clientCa),
    requestCert: secure.clientCa !== undefined,
    rejectUnauthorized: secure.clientCa !== undefined,
    minVersion: "TLSv1.2",
    handshakeTimeout: 10_000,
    allowHalfOpen: true,
  } as tls.TlsOptions);
  server.on("secureConnection", (socket) => accept(socket, remote));
  server.on("tlsClientError", (error) => log?.debug(`TLS: ${error.message}`));
  return server;
}

function opened(server: net.Server, options: net.ListenOptions & { fd?: number }, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(new HoyError("unavailable", `can't listen on ${address}: ${error.message}`, { cause: error }));
    });
    server.listen(options, resolve);
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}
