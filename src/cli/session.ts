// Which engine a command talks to, by docker's order: --context or -H, DOCKER_HOST, DOCKER_CONTEXT, the configuration's
// current context, the default socket. Everything here is made when first asked for: most commands need little of it.

import { existsSync, readFileSync } from "node:fs";
import { type Endpoint, parseEndpoint, type TlsMaterial } from "../api/client/endpoint.ts";
import { Transport } from "../api/client/transport.ts";
import { HoyError } from "../base/error.ts";
import { ExitError, messageOf } from "./base/errors.ts";
import type { Context, Group } from "./command.ts";
import { ContextStore, DEFAULT_CONTEXT } from "./config/contexts.ts";
import { ConfigFile } from "./config/file.ts";
import type { Globals } from "./globals.ts";
import type { CliIo } from "./io.ts";
import { openFailure } from "./run/environment.ts";

export const HOY_SOCKET = "unix:///run/hoy/hoy.sock";
const DOCKER_SOCKET = "/var/run/docker.sock";

export function lazyContext(io: CliIo, path: string, globals: Globals, tree: Group): Context {
  let config: ConfigFile | undefined;
  let engine: Transport | undefined;
  const context = {
    io,
    program: io.program,
    path,
    globals,
    tree,
    get config() {
      if (config === undefined) {
        config = new ConfigFile(globals.config);
        if (config.warning !== undefined) io.stderr.line(config.warning);
      }
      return config;
    },
    get engine() {
      engine ??= connect(context);
      return engine;
    },
  };
  return context;
}

function connect(context: Context): Transport {
  const endpoint = resolveEndpoint(context);
  return new Transport(endpoint, {
    version: context.io.env.DOCKER_API_VERSION || undefined,
    headers: context.config.data.HttpHeaders ?? {},
  });
}

/** Another engine than the one in use, by its address as for -H; "" is the one in use. */
export function connectTo(context: Context, host: string): Transport {
  if (host === "") return context.engine;
  return new Transport(parseEndpoint(host, globalTls(context.globals)), {
    version: context.io.env.DOCKER_API_VERSION || undefined,
    headers: context.config.data.HttpHeaders ?? {},
  });
}

/** The name of the context in use; "default" when none is. */
export function contextName({ globals, io, config }: Pick<Context, "globals" | "io" | "config">): string {
  if (globals.context !== "") return globals.context;
  if (globals.host.length > 0 || io.env.DOCKER_HOST) return DEFAULT_CONTEXT;
  return io.env.DOCKER_CONTEXT || config.data.currentContext || DEFAULT_CONTEXT;
}

function resolveEndpoint(context: Context): Endpoint {
  try {
    const name = contextName(context);
    if (name !== DEFAULT_CONTEXT) return namedEndpoint(new ContextStore(context.globals.config), name);
    return parseEndpoint(defaultHost(context), globalTls(context.globals));
  } catch (thrown) {
    throw new ExitError(1, `Failed to initialize: unable to resolve docker endpoint: ${messageOf(thrown)}`, thrown);
  }
}

/** The engine's address without contexts, as written. */
export function defaultHost({ globals, io }: Pick<Context, "globals" | "io">): string {
  const written = globals.host[0] ?? io.env.DOCKER_HOST;
  if (written !== undefined && written !== "") return written;
  if (usesTls(globals)) return "tcp://localhost:2376";
  // Called as docker, an engine that is there under docker's name is meant.
  return io.program === "docker" && existsSync(DOCKER_SOCKET) ? `unix://${DOCKER_SOCKET}` : HOY_SOCKET;
}

/** The engine's address, where neither the command line, the environment nor a context says it; else undefined. */
export function addressInUse(context: Pick<Context, "globals" | "io" | "config">): string | undefined {
  const { globals, io } = context;
  if (globals.host.length > 0 || io.env.DOCKER_HOST || contextName(context) !== DEFAULT_CONTEXT) return undefined;
  return defaultHost(context);
}

function namedEndpoint(store: ContextStore, name: string): Endpoint {
  const endpoint = store.get(name).Endpoints.docker;
  if (endpoint === undefined) throw new HoyError("not-found", "endpoint docker not found in context");
  const pem = store.tls(name);
  const skip = endpoint.SkipTLSVerify === true;
  const has = Object.keys(pem).length > 0 || skip;
  const tls: TlsMaterial = { ca: pem["ca.pem"], cert: pem["cert.pem"], key: pem["key.pem"], verify: !skip };
  return parseEndpoint(endpoint.Host ?? HOY_SOCKET, has ? tls : undefined);
}

const usesTls = (globals: Globals) => globals.tls || globals.tlsverify || globals.changed.has("tlsverify");

function globalTls(globals: Globals): TlsMaterial | undefined {
  if (!usesTls(globals)) return undefined;
  const pem = (name: "tlscacert" | "tlscert" | "tlskey") => {
    const file = globals[name];
    // A file that was not named may be missing; one that was may not.
    if (!existsSync(file) && !globals.changed.has(name)) return undefined;
    try {
      return readFileSync(file, "utf8");
    } catch (thrown) {
      throw new HoyError("invalid", openFailure(file, thrown));
    }
  };
  return { ca: pem("tlscacert"), cert: pem("tlscert"), key: pem("tlskey"), verify: globals.tlsverify };
}

/** Directory of the contexts, for commands about them. */
export const contextStore = (context: Context) => new ContextStore(context.globals.config);
