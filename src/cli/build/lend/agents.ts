// `--ssh default|ID[=SOCKET]`: the user's ssh agents, bytes both ways. A private key's file is not taken: an agent is
// what keeps keys.

import { lstatSync } from "node:fs";
import { connect } from "node:net";
import { resolve } from "node:path";
import { type ServiceTable, service } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import { SSH } from "../../../build/buildkit/proto/gen/ssh_pb.ts";
import { ExitError } from "../../base/errors.ts";
import { cut } from "../../base/text.ts";
import type { CliIo } from "../../io.ts";

const ID = "buildkit.ssh.id";

/** Id → socket. @throws ExitError for what is no agent. */
export function agentSockets(given: readonly string[], { env, cwd }: CliIo): Map<string, string> {
  return new Map(
    given.map((text) => {
      const [id, path] = cut(text, "=");
      const socket = path === "" ? (env.SSH_AUTH_SOCK ?? "") : resolve(cwd, path);
      if (socket === "") throw new ExitError(1, "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
      const stat = lstatSync(socket, { throwIfNoEntry: false });
      if (stat === undefined) throw new ExitError(1, `failed to open ssh agent ${socket}: no such file or directory`);
      if (!stat.isSocket() && !stat.isSymbolicLink()) {
        throw new ExitError(
          1,
          `${socket} is not the socket of an ssh agent; add the key to an agent and give that one`,
        );
      }
      return [id === "" ? "default" : id, socket] as const;
    }),
  );
}

export function agentService(sockets: ReadonlyMap<string, string>): ServiceTable {
  const find = (id: string): string => {
    const found = sockets.get(id === "" ? "default" : id);
    if (found === undefined) throw new GrpcError(CODE.notFound, `unset ssh forward key ${id}`);
    return found;
  };
  return service(SSH, {
    async checkAgent({ id }) {
      find(id);
      return {};
    },
    async *forwardAgent(requests, { metadata, signal }) {
      const socket = connect(find(metadata.get(ID)?.[0] ?? ""));
      const stop = () => socket.destroy();
      signal.addEventListener("abort", stop, { once: true });
      const up = (async () => {
        for await (const { data } of requests) socket.write(data);
        socket.end();
      })();
      up.catch(stop);
      try {
        for await (const data of socket) yield { data: data as Uint8Array };
      } finally {
        signal.removeEventListener("abort", stop);
        stop();
      }
    },
  });
}
