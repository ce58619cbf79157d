// What the solver asks of the client of a build (BuildSession), answered by the client's sessions.

import type { RegistryAuth } from "../../../api/backend.ts";
import { HoyError } from "../../../base/error.ts";
import type { LayerSession } from "../../needs.ts";
import type { BuildSession, StepLimits } from "../../solver-contract.ts";
import { methodPath } from "../grpc/service.ts";
import { CODE, fromGrpcError, GrpcError } from "../grpc/status.ts";
import { Secrets } from "../proto/gen/secrets_pb.ts";
import { Auth } from "../proto/gen/session_pb.ts";
import type { LocalFiles, ReceiveOptions } from "./local-files.ts";
import type { ClientSession, Sessions } from "./sessions.ts";
import { forwardAgent } from "./ssh-agent.ts";

/** Bytes of a secret, as BuildKit has it. */
const SECRET_LIMIT = 500 * 1024;

export interface LendParts {
  readonly sessions: Sessions;
  readonly files: LocalFiles;
  readonly layers: LayerSession;
  /** For sockets. */
  readonly temporary: string;
  readonly progress: ReceiveOptions["progress"];
  readonly hold: ReceiveOptions["hold"];
}

export interface LentSession extends BuildSession {
  limits: StepLimits | undefined;
}

/** @param id of the client's session; it may come a little later than the build. */
export function lend(id: string, parts: LendParts): LentSession {
  const { sessions, files, layers, temporary } = parts;
  const session = (signal: AbortSignal): Promise<ClientSession> => {
    if (id === "") throw new HoyError("invalid", "the build has no session");
    return sessions.get(id, signal);
  };
  return {
    id,
    limits: undefined,
    async local(source, signal) {
      const from = source.session === undefined ? await session(signal) : await sessions.get(source.session, signal);
      const { progress, hold } = parts;
      return mapped(files.receive(from, source, { layers, signal, progress, hold }));
    },
    async secret(secretId, signal) {
      const from = await session(signal);
      const method = Secrets.method.getSecret;
      if (!from.supports(methodPath(method))) return undefined;
      const found = await unlessMissing(from.client.unary(method, { id: secretId }, { signal }));
      if (found !== undefined && found.data.length > SECRET_LIMIT) {
        throw new HoyError("too-large", `the secret ${secretId} is larger than ${SECRET_LIMIT} bytes`);
      }
      return found?.data;
    },
    async ssh(agent, signal) {
      return mapped(forwardAgent(await session(signal), agent, temporary, signal));
    },
    async registryAuth(domain) {
      const signal = AbortSignal.timeout(60_000);
      const from = id === "" ? undefined : await session(signal).catch(() => undefined);
      const method = Auth.method.credentials;
      if (from === undefined || !from.supports(methodPath(method))) return undefined;
      // By its registry's host Docker's own is known to the client.
      const host = domain === "docker.io" ? "registry-1.docker.io" : domain;
      const found = await unlessMissing(from.client.unary(method, { host }, { signal }));
      return found === undefined ? undefined : authOf(found.username, found.secret);
    },
  };
}

/** A secret without a user is a token of the registry's identity. */
function authOf(username: string, secret: string): RegistryAuth | undefined {
  if (secret === "") return undefined;
  return username === "" ? { identitytoken: secret } : { username, password: secret };
}

async function mapped<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw thrown instanceof GrpcError ? fromGrpcError(thrown) : thrown;
  }
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof GrpcError && (thrown.code === CODE.notFound || thrown.code === CODE.unimplemented)) {
      return undefined;
    }
    throw thrown instanceof GrpcError ? fromGrpcError(thrown) : thrown;
  }
}
