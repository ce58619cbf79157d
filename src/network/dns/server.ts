// The name server that containers of user-defined networks find at 127.0.0.11:53. Its sockets are made inside each
// container's network namespace, on ports of the kernel's choice, and a rule there leads port 53 to them, so that a
// container may run a name server of its own on port 53. The sockets are served by the daemon: a new daemon makes them
// again. (Sockets stay in the namespace they were made in; making one does not wait, so the thread can go in and out.)

import type { NetworkNamespace } from "../../linux/namespace.ts";
import { NftablesError, nft } from "../../linux/nftables.ts";
import { answerFromZone, failure, fitUdp, readQuery } from "./answer.ts";
import { forward, framed } from "./forward.ts";
import type { Zone } from "./zone.ts";

export const DNS_ADDRESS = "127.0.0.11";
const MAX_PENDING = 256;
const MAX_TCP_QUERY = 4096;

export interface Asker {
  readonly container: string;
  /** Where other names are asked for; none: they are not (internal networks). */
  readonly resolvers: readonly string[];
}

interface Sockets {
  readonly udp: Bun.udp.Socket<"buffer">;
  readonly tcp: Bun.TCPSocketListener<Received>;
}

export class DnsServer {
  readonly #zone: Zone;
  readonly #sockets = new Map<string, Sockets>();

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  /** Starts answering inside the namespace, in which loopback must be up. Replaces an earlier one of the container. */
  async open(asker: Asker, namespace: NetworkNamespace): Promise<void> {
    this.close(asker.container);
    let pending = 0;
    const resolve = async (bytes: Uint8Array, protocol: "udp" | "tcp"): Promise<Uint8Array | undefined> => {
      const query = readQuery(bytes);
      if (query === undefined) return undefined;
      const own = answerFromZone(this.#zone, asker.container, query);
      if (own !== undefined) return protocol === "udp" ? fitUdp(query, own) : own;
      if (asker.resolvers.length === 0 || pending >= MAX_PENDING) return failure(query, "SERVFAIL");
      pending++;
      try {
        return (await forward(bytes, asker.resolvers, protocol)) ?? failure(query, "SERVFAIL");
      } finally {
        pending--;
      }
    };
    const made = namespace.run(() => [makeUdp(resolve), makeTcp(resolve)] as const);
    const [udp, tcp] = [await made[0], made[1]];
    this.#sockets.set(asker.container, { udp, tcp });
    namespace.run(() => redirect(udp.port, tcp.port));
  }

  /** Idempotent. */
  close(container: string): void {
    const sockets = this.#sockets.get(container);
    this.#sockets.delete(container);
    sockets?.udp.close();
    sockets?.tcp.stop(true);
  }
}

interface Received {
  received: Buffer;
}

type TcpSocket = Bun.Socket<Received>;

type Resolve = (bytes: Uint8Array, protocol: "udp" | "tcp") => Promise<Uint8Array | undefined>;

function makeUdp(resolve: Resolve): Promise<Bun.udp.Socket<"buffer">> {
  return Bun.udpSocket({
    hostname: DNS_ADDRESS,
    port: 0,
    socket: {
      data: async (socket, bytes, port, address) => {
        const answer = await resolve(bytes, "udp");
        if (answer !== undefined && !socket.closed) socket.send(answer, port, address);
      },
    },
  });
}

function makeTcp(resolve: Resolve): Bun.TCPSocketListener<Received> {
  return Bun.listen<Received>({
    hostname: DNS_ADDRESS,
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { received: Buffer.alloc(0) };
        socket.timeout(10);
      },
      timeout: (socket) => socket.terminate(),
      error: (socket) => socket.terminate(),
      // Answers may overtake each other on one connection (RFC 7766, 6.2.1.1).
      data: (socket, chunk) => {
        let received = Buffer.concat([socket.data.received, chunk]);
        while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
          const end = 2 + received.readUInt16BE(0);
          void reply(socket, resolve, received.subarray(2, end));
          received = received.subarray(end);
        }
        socket.data.received = received;
        if (received.length > MAX_TCP_QUERY) socket.terminate();
      },
    },
  });
}

async function reply(socket: TcpSocket, resolve: Resolve, question: Uint8Array): Promise<void> {
  const answer = await resolve(question, "tcp");
  if (answer === undefined) socket.terminate();
  else socket.write(framed(answer));
}

/** In the container's namespace, in a table of our own; one of a former engine's is replaced. */
function redirect(udpPort: number, tcpPort: number): void {
  const table = redirection(udpPort, tcpPort);
  // Deleting first what is not there would take twenty times as long (see `Nftables`).
  try {
    nft(`create table ip hoy\n${table}`);
  } catch (error) {
    if (!(error instanceof NftablesError)) throw error;
    nft(`table ip hoy\ndelete table ip hoy\n${table}`);
  }
}

/**
 * Ports are rewritten there and back, packet by packet, and not by NAT: that would have every packet of the container known
 * to connection tracking, two thirds of a microsecond each.
 */
function redirection(udpPort: number, tcpPort: number): string {
  return [
    "table ip hoy {",
    "  chain output {",
    // Before connection tracking, which a container's own rules may ask for, sees it; and for the answer after.
    "    type filter hook output priority raw; policy accept",
    `    ip daddr ${DNS_ADDRESS} udp dport 53 udp dport set ${udpPort}`,
    `    ip daddr ${DNS_ADDRESS} tcp dport 53 tcp dport set ${tcpPort}`,
    "  }",
    "  chain input {",
    "    type filter hook input priority mangle; policy accept",
    `    ip saddr ${DNS_ADDRESS} udp sport ${udpPort} udp sport set 53`,
    `    ip saddr ${DNS_ADDRESS} tcp sport ${tcpPort} tcp sport set 53`,
    "  }",
    "}",
    "",
  ].join("\n");
}
