// Which engine a command talks to: flags, environment, the current context, in Docker's order (docker/cli
// cli/command/cli.go), and the client for it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { ApiClient } from "./client.ts";
import { type ConfigFile, configDirectory, type Environment, readConfigFile } from "./config-file.ts";
import { ContextStore } from "./context-store.ts";
import { type Endpoint, parseEndpoint, type TlsMaterial } from "./endpoint.ts";

/** The global flags that say where to. undefined: the flag was not given. */
export interface ConnectionFlags {
  readonly host?: string | undefined;
  readonly context?: string | undefined;
  readonly tls?: boolean | undefined;
  readonly tlsVerify?: boolean | undefined;
  readonly tlsCaCert?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** --config: the directory of config.json. */
  readonly configDirectory?: string | undefined;
}

export interface Resolved {
  readonly endpoint: Endpoint;
  /** "default" when flags or environment say where to, or nothing does. */
  readonly contextName: string;
  readonly configDirectory: string;
  readonly config: ConfigFile;
  readonly client: ApiClient;
}

/**
 * @param fallback the address when nothing names one ("unix:///run/hoy/hoy.sock").
 * @throws HoyError "invalid" for contradictions, "not-found" for a context that is not there.
 */
export function resolveClient(flags: ConnectionFlags, env: Environment, fallback: string): Resolved {
  if (flags.host !== undefined && flags.context !== undefined) {
    throw new HoyError("invalid", "conflicting options: cannot specify both --host and --context");
  }
  const directory = flags.configDirectory ?? configDirectory(env);
  const config = readConfigFile(directory);
  const contextName = currentContext(flags, env, config);
  const endpoint =
    contextName === "default"
      ? parseEndpoint(flags.host ?? (env.DOCKER_HOST || fallback), flagTls(flags, env, directory))
      : contextEndpoint(new ContextStore(directory), contextName, directory, contextName === config.currentContext);
  const client = new ApiClient(endpoint, {
    version: env.DOCKER_API_VERSION || undefined,
    ...(config.HttpHeaders === undefined ? {} : { headers: config.HttpHeaders }),
  });
  return { endpoint, contextName, configDirectory: directory, config, client };
}

/** The name of the context in use. */
export function currentContext(flags: ConnectionFlags, env: Environment, config: ConfigFile): string {
  if (flags.context !== undefined && flags.context !== "") return flags.context;
  if (flags.host !== undefined || env.DOCKER_HOST) return "default";
  return env.DOCKER_CONTEXT || config.currentContext || "default";
}

function contextEndpoint(store: ContextStore, name: string, directory: string, configured: boolean): Endpoint {
  if (configured && !store.has(name)) {
    throw new HoyError(
      "not-found",
      `Current context "${name}" is not found on the file system, please check your config file at ${join(directory, "config.json")}`,
    );
  }
  const meta = store.get(name);
  const host = meta.Endpoints.docker?.Host;
  if (host === undefined || host === "") throw new HoyError("invalid", `context "${name}" has no docker endpoint`);
  return parseEndpoint(host, store.tlsMaterial(meta));
}

/** TLS by flags and environment; undefined: none. Files that were not named may be missing, as in Docker. */
function flagTls(flags: ConnectionFlags, env: Environment, directory: string): TlsMaterial | undefined {
  const verify = flags.tlsVerify ?? Boolean(env.DOCKER_TLS_VERIFY);
  if (!(flags.tls ?? Boolean(env.DOCKER_TLS)) && !verify) return undefined;
  const folder = env.DOCKER_CERT_PATH || directory;
  const read = (named: string | undefined, file: string) => {
    try {
      return readFileSync(named ?? join(folder, file), "utf8");
    } catch (cause) {
      if (named === undefined && (cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new HoyError("invalid", `unable to resolve docker endpoint: ${(cause as Error).message}`, { cause });
    }
  };
  return {
    ca: read(flags.tlsCaCert, "ca.pem"),
    cert: read(flags.tlsCert, "cert.pem"),
    key: read(flags.tlsKey, "key.pem"),
    verify,
  };
}
