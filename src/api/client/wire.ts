// A two-way stream of bytes to an engine, each half closed by itself. Pull-based: whoever does not read stops the other
// side. Over unix, TCP and TLS it is Bun's own socket, because node:net alone costs a command 4 ms of start
// (docs/decisions/api-client-sockets.md); over ssh it is a child's stdin and stdout (process-wire.ts).

import { HoyError } from "../../base/error.ts";
import type { TlsMaterial } from "./endpoint.ts";

export interface Wire {
  /** The next bytes; undefined when the other side has closed its half. @throws HoyError when the connection broke. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when the bytes are taken by the kernel. @throws HoyError when the connection is gone. */
  write(data: Uint8Array): Promise<void>;
  /** Closes our half; reading goes on. */
  end(): void;
  /** Closes both, at once. Idempotent; a read that waits ends. */
  close(): void;
  /** While idle it does not keep the process from ending. */
  setIdle(idle: boolean): void;
  /** True once nothing can be asked over it any more. */
  readonly closed: boolean;
}

export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls: TlsMaterial | undefined };

/** More than this unread, and the socket is paused. */
const HIGH_WATER = 256 * 1024;

/** @throws whatever connect(2) or the TLS handshake says, as an Error with `code`. */
export async function connectSocket(address: Address): Promise<Wire> {
  const wire = new SocketWire();
  const { promise: secure, resolve, reject } = Promise.withResolvers<void>();
  const tls = address.kind === "tcp" ? address.tls : undefined;
  // Without TLS, or after the handshake, nobody waits for this any more: what breaks is told to the reader instead.
  secure.catch(() => undefined);
  const socket = {
    data: (_: unknown, data: Uint8Array) => wire.arrived(data),
    drain: () => wire.drained(),
    end: () => wire.ended(),
    close: (_: unknown, error?: Error) => {
      wire.closedBy(error);
      reject(error ?? new Error("the connection was closed in the TLS handshake"));
    },
    error: (_: unknown, error: Error) => {
      wire.closedBy(error);
      reject(error);
    },
    handshake: (_: unknown, success: boolean, error: Error | null) => {
      if (tls?.verify === true && error !== null) reject(error);
      else if (success) resolve();
      else reject(error ?? new Error("TLS handshake failed"));
    },
  };
  const where =
    address.kind === "unix"
      ? { unix: address.path }
      : { hostname: address.host, port: address.port, ...(tls === undefined ? {} : { tls: tlsOptions(tls, address) }) };
  type Options = Parameters<typeof Bun.connect>[0];
  const connected: unknown = await Bun.connect({ ...where, allowHalfOpen: true, socket } as Options);
  wire.socket = connected as RawSocket;
  if (tls === undefined) return wire;
  try {
    await secure;
    return wire;
  } catch (thrown) {
    wire.close();
    throw thrown;
  }
}

function tlsOptions(tls: TlsMaterial, address: { readonly host: string }): object {
  return {
    ca: tls.ca,
    cert: tls.cert,
    key: tls.key,
    rejectUnauthorized: tls.verify,
    ...(/^[0-9.]+$|:/.test(address.host) ? {} : { serverName: address.host }),
  };
}

/** What is used of Bun's Socket. */
interface RawSocket {
  write(data: Uint8Array): number;
  flush(): void;
  shutdown(): void;
  terminate(): void;
  pause(): boolean;
  resume(): boolean;
  ref(): void;
  unref(): void;
}

class SocketWire implements Wire {
  socket: RawSocket | undefined;
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  #paused = false;
  #ended = false;
  #closed = false;
  #error: Error | undefined;
  #reader: (() => void) | undefined;
  #writer: (() => void) | undefined;

  get closed(): boolean {
    return this.#closed || this.#ended;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const data = this.#queue.shift();
      if (data !== undefined) {
        this.#queued -= data.length;
        if (this.#paused && this.#queued < HIGH_WATER / 2) {
          this.#paused = false;
          this.socket?.resume();
        }
        return data;
      }
      if (this.#error !== undefined) throw broken(this.#error);
      if (this.#ended || this.#closed) return undefined;
      await new Promise<void>((resolve) => {
        this.#reader = resolve;
      });
    }
  }

  async write(data: Uint8Array): Promise<void> {
    let left = data;
    while (left.length > 0) {
      if (this.#closed) throw broken(this.#error);
      const taken = Math.max(0, this.socket?.write(left) ?? 0);
      left = left.subarray(taken);
      if (left.length === 0) return;
      await new Promise<void>((resolve) => {
        this.#writer = resolve;
      });
    }
  }

  end(): void {
    if (this.#closed) return;
    this.socket?.flush();
    this.socket?.shutdown();
  }

  close(): void {
    if (this.#closed) return;
    this.closedBy();
    this.socket?.terminate();
  }

  setIdle(idle: boolean): void {
    if (idle) this.socket?.unref();
    else this.socket?.ref();
  }

  arrived(data: Uint8Array): void {
    // Copied: Bun uses its receive buffer again.
    this.#queue.push(new Uint8Array(data));
    this.#queued += data.length;
    if (!this.#paused && this.#queued > HIGH_WATER) {
      this.#paused = true;
      this.socket?.pause();
    }
    this.#reader?.();
  }

  drained(): void {
    this.#writer?.();
  }

  ended(): void {
    this.#ended = true;
    this.#reader?.();
  }

  closedBy(error?: Error): void {
    this.#closed = true;
    this.#error ??= error;
    this.#reader?.();
    this.#writer?.();
  }
}

function broken(cause: Error | undefined): HoyError {
  return new HoyError("unavailable", `the connection to the engine broke${cause ? `: ${cause.message}` : ""}`, {
    cause,
  });
}
