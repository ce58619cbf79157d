// `system dial-stdio`: our standard input and output as a connection to the engine; what ssh:// runs on the far side.

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import type { Endpoint } from "../../../api/client/endpoint.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";

export const dialStdio = command({
  usage: "",
  args: args.none,
  flags: {},
  async run({ engine, io }) {
    const socket = await dial(engine.endpoint);
    const output = (async () => {
      for await (const data of socket) await io.stdout.write(data as Uint8Array);
    })();
    const input = (async () => {
      for await (const data of io.stdin.read()) if (!socket.write(data)) await once(socket, "drain");
      socket.end();
    })();
    // The engine's end of its half is the end; ours is not.
    input.catch(() => undefined);
    await output;
    io.stdin.release();
    socket.destroy();
  },
});

async function dial(endpoint: Endpoint): Promise<Socket> {
  if (endpoint.kind === "ssh") throw new ExitError(1, "dial-stdio: the engine is behind ssh itself");
  const options = endpoint.kind === "unix" ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
  if (endpoint.kind === "tcp" && endpoint.tls !== undefined) {
    const { connect } = await import("node:tls");
    const { ca, cert, key, verify } = endpoint.tls;
    const socket = connect({ host: endpoint.host, port: endpoint.port, ca, cert, key, rejectUnauthorized: verify });
    await once(socket, "secureConnect");
    return socket;
  }
  const socket = createConnection({ ...options, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}
