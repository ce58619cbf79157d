// A listener on the host for one published port: it holds the port (so that no one else can take it unseen), and it
// carries what the kernel's address translation can't: connections to [::1], IPv6 to a container that has only IPv4,
// and everything where firewall rules are switched off. What the rules lead to the container never comes here.

import dgram from "node:dgram";
import net from "node:net";

export interface Listener {
  readonly port: number;
  close(): void;
}

export interface Target {
  readonly address: string;
  readonly port: number;
}

/** Of one port at a time; each takes two files. */
const MAX_CONNECTIONS = 4096;
const MAX_UDP_SESSIONS = 1024;
const UDP_IDLE_MS = 90_000;

/**
 * @param port 0: the kernel chooses
 * @param target asked for each connection
 * @param most connections at a time
 * @throws the system's EADDRINUSE, EADDRNOTAVAIL or EACCES
 */
export function listenTcp(host: string, port: number, target: () => Target, most = MAX_CONNECTIONS): Promise<Listener> {
  let connections = 0;
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    // Whoever reaches the port must not use up the engine's files.
    if (connections >= most) {
      client.destroy();
      return;
    }
    connections++;
    client.once("close", () => connections--);
    forward(client, target());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only: host.includes(":"), exclusive: true }, () => {
      server.off("error", reject);
      // Accepting may fail later (too many open files); that is one connection's loss, not the engine's.
      server.on("error", () => undefined);
      const address = server.address();
      resolve({
        port: address !== null && typeof address === "object" ? address.port : port,
        close: () => server.close(),
      });
    });
  });
}

function forward(client: net.Socket, target: Target): void {
  const upstream = net.connect({ host: target.address, port: target.port, allowHalfOpen: true });
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  client.on("error", end);
  upstream.on("error", end);
  client.pipe(upstream);
  upstream.pipe(client);
}

/** As listenTcp, for datagrams: each client address gets a socket of its own towards the container, until it is idle. */
export function listenUdp(host: string, port: number, target: () => Target): Promise<Listener> {
  const socket = dgram.createSocket({ type: host.includes(":") ? "udp6" : "udp4", ipv6Only: host.includes(":") });
  const sessions = new Map<string, { socket: dgram.Socket; timer: NodeJS.Timeout }>();
  socket.on("message", (data, from) => {
    const { address, port: containerPort } = target();
    // One that went to where the container is no longer is another one's.
    const key = `${from.address} ${from.port} ${address}`;
    let session = sessions.get(key);
    if (session === undefined) {
      if (sessions.size >= MAX_UDP_SESSIONS) return;
      const upstream = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
      const made = { socket: upstream, timer: setTimeout(() => drop(), UDP_IDLE_MS).unref() };
      // Once: a socket that is closed again throws, and the client may have another one by then.
      const drop = () => {
        if (sessions.get(key) !== made) return;
        sessions.delete(key);
        clearTimeout(made.timer);
        upstream.close();
      };
      upstream.on("message", (answer) => socket.send(answer, from.port, from.address));
      upstream.on("error", drop);
      sessions.set(key, made);
      session = made;
    }
    session.timer.refresh();
    session.socket.send(data, containerPort, address);
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off("error", reject);
      socket.on("error", () => undefined);
      const close = () => {
        socket.close();
        for (const session of sessions.values()) {
          clearTimeout(session.timer);
          session.socket.close();
        }
        sessions.clear();
      };
      resolve({ port: socket.address().port, close });
    });
  });
}
