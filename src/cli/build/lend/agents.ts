// `--ssh default|ID[=SOCKET|KEY[,KEY…]]`: the user's ssh agents, bytes both ways; or private keys of files, held by an
// agent of the build's own.

import { readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { basename, resolve } from "node:path";
import { type ServiceTable, service } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import { SSH } from "../../../build/buildkit/proto/gen/ssh_pb.ts";
import { ExitError } from "../../base/errors.ts";
import { cut } from "../../base/text.ts";
import type { CliIo } from "../../io.ts";
import { keyAgent } from "./key-agent.ts";
import { type PrivateKey, parsePrivateKey } from "./keys.ts";

const ID = "buildkit.ssh.id";
const MAX_KEY = 256 * 1024;

export type Agent = { readonly socket: string } | { readonly keys: readonly PrivateKey[] };

/** By id. @throws ExitError for what is neither an agent nor a key. */
export function agentsOf(given: readonly string[], { env, cwd }: CliIo): Map<string, Agent> {
  return new Map(
    given.map((text) => {
      const [id, value] = cut(text, "=");
      const paths = value === "" ? [env.SSH_AUTH_SOCK ?? ""] : value.split(",").map((path) => resolve(cwd, path));
      if (paths.includes("")) throw new ExitError(1, "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
      return [id === "" ? "default" : id, agentAt(paths)] as const;
    }),
  );
}

function agentAt(paths: readonly string[]): Agent {
  const keys: PrivateKey[] = [];
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw new ExitError(1, `failed to open ssh agent ${path}: no such file or directory`);
    if (stat.isSocket()) {
      if (paths.length > 1) throw new ExitError(1, `${path} is an ssh agent, and can't be given along with others`);
      return { socket: path };
    }
    keys.push(keyAt(path, stat.isFile() && stat.size <= MAX_KEY));
  }
  return { keys };
}

function keyAt(path: string, isSmallFile: boolean): PrivateKey {
  if (!isSmallFile) throw new ExitError(1, `${path} is neither the socket of an ssh agent nor a private key`);
  try {
    return parsePrivateKey(readFileSync(path, "utf8"), basename(path));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ExitError(
      1,
      `${path} is neither the socket of an ssh agent nor a private key that can be used: ${why}`,
      thrown,
    );
  }
}

export function agentService(agents: ReadonlyMap<string, Agent>): ServiceTable {
  const find = (id: string): Agent => {
    const found = agents.get(id === "" ? "default" : id);
    if (found === undefined) throw new GrpcError(CODE.notFound, `unset ssh forward key ${id}`);
    return found;
  };
  return service(SSH, {
    async checkAgent({ id }) {
      find(id);
      return {};
    },
    async *forwardAgent(requests, { metadata, signal }) {
      const agent = find(metadata.get(ID)?.[0] ?? "");
      if ("keys" in agent) {
        for await (const data of keyAgent(agent.keys, bytesOf(requests))) yield { data };
        return;
      }
      const socket = connect(agent.socket);
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

async function* bytesOf(messages: AsyncIterable<{ readonly data: Uint8Array }>) {
  for await (const { data } of messages) yield data;
}
