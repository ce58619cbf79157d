// The registry as a server: a listener with its bounds, the handler, and the collection that runs beside it. Settings
// are checked by whoever read them.

import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import { Accounts } from "./access/accounts.ts";
import { UserAccess } from "./access/user-access.ts";
import { openAccess } from "./access.ts";
import { type Front, frontOf, proxiesOf } from "./address.ts";
import { openAudit, placeAudit } from "./audit.ts";
import type { BlobStore } from "./blob-store.ts";
import { CachingStore } from "./cache/caching-store.ts";
import { Deliverer } from "./events/deliverer.ts";
import { type Notifier, notifierOf } from "./events/notifier.ts";
import { registryHandler } from "./handler.ts";
import { Handover } from "./handover.ts";
import { Metrics } from "./metrics.ts";
import { metricsServer } from "./metrics-server.ts";
import { RateLimit } from "./policy/rate.ts";
import { Store } from "./store.ts";

export interface RegistryServerOptions {
  /** Folder of the registry's own; made if there is none. */
  readonly root: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Whether people sign in and have only what they were given; else everybody may do everything. */
  readonly users: boolean;
  /** File of the audit log; undefined: none is kept. */
  readonly audit?: string;
  /** Data root of an engine on this host, which may hand blobs over; undefined: none does. */
  readonly engineRoot?: string;
  /** Where blobs are kept; undefined: files in the folder. */
  readonly blobs?: BlobStore;
  /** Bytes of one blob. */
  readonly blobLimit: number;
  /** Uploads that may be open at once. */
  readonly uploadsLimit: number;
  /** Addresses and networks of proxies whose word on the caller's address counts. */
  readonly proxies: readonly string[];
  /** Requests a minute from one address, and by one account; 0: no limit. */
  readonly addressRate: number;
  readonly accountRate: number;
  /** Where metrics are served; undefined: nowhere. */
  readonly metrics?: { readonly host: string; readonly port: number };
  /** Networks that are not public and webhooks may be sent to. */
  readonly webhookNetworks: readonly string[];
  /** ms between two collections; 0: none. */
  readonly collectEvery: number;
  /** ms that an idle upload, or a blob that no manifest names, is kept. */
  readonly grace: number;
}

export const REGISTRY_DEFAULTS = {
  host: "127.0.0.1",
  port: 5000,
  users: false,
  blobLimit: 64 * 1024 ** 3,
  uploadsLimit: 1000,
  proxies: [],
  addressRate: 0,
  accountRate: 0,
  webhookNetworks: [],
  collectEvery: 60 * 60 * 1000,
  grace: 24 * 60 * 60 * 1000,
} as const;

export interface RegistryServer {
  readonly host: string;
  readonly port: number;
  readonly metricsPort: number | undefined;
  /** Lets running requests end for a short while, then ends them. */
  close(): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 120_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** @throws HoyError "conflict" when the folder or a port is in use. */
export async function startRegistry(options: RegistryServerOptions): Promise<RegistryServer> {
  // What was opened is closed in the opposite order, also when the start fails half-way.
  const opened = new AsyncDisposableStack();
  try {
    const storage = await Store.open(options);
    opened.defer(() => storage.close());
    const caching = new CachingStore(storage);
    opened.defer(() => caching.stop());
    const metrics = new Metrics();
    const front = frontOf(options.tls !== undefined, proxiesOf(options.proxies));
    const people = options.users ? peopleOf(options.root, front) : undefined;
    opened.defer(() => people?.accounts.close());
    const failed = (error: Error) => log.error("the audit log can't be written", { error });
    placeAudit(options.root, options.audit);
    const audit = options.audit === undefined ? undefined : openAudit(options.audit, failed);
    opened.defer(async () => audit?.close());
    const deliverer = new Deliverer(storage.webhooks, proxiesOf(options.webhookNetworks), metrics);
    opened.defer(() => deliverer.close());
    const notifier = notifierOf(storage.webhooks, deliverer);
    const handover = options.engineRoot === undefined ? undefined : await Handover.open(options.engineRoot);
    const handler = registryHandler({
      handover,
      storage: caching,
      overview: storage.overview,
      rules: storage.rules,
      access: people?.access ?? openAccess,
      people,
      audit,
      front,
      limits: { address: new RateLimit(options.addressRate), account: new RateLimit(options.accountRate) },
      notifier,
      metrics,
    });
    const server = options.tls === undefined ? createServer(handler) : createTlsServer({ ...options.tls }, handler);
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.requestTimeout = 0; // a blob may take long; a silent connection is ended by the next line
    server.setTimeout(IDLE_TIMEOUT_MS);
    const port = await listen(server, options);
    opened.defer(() => stop(server));
    let metricsPort: number | undefined;
    if (options.metrics !== undefined) {
      const beside = metricsServer(metrics, storage.overview);
      metricsPort = await listen(beside, options.metrics);
      opened.defer(() => stop(beside));
    }
    const timer = keepHouse(storage, options, notifier, metrics);
    opened.defer(() => clearInterval(timer));
    deliverer.wake();
    return { host: options.host, port, metricsPort, close: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

function peopleOf(root: string, front: Front) {
  const accounts = new Accounts(root);
  return { accounts, access: new UserAccess(accounts, front) };
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new HoyError("conflict", `can't listen on ${host}:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** Retention, then collection, regularly. */
function keepHouse(storage: Store, options: RegistryServerOptions, notifier: Notifier, metrics: Metrics) {
  if (options.collectEvery === 0) return undefined;
  const round = async () => {
    const removed = await storage.retain(Date.now());
    for (const { repository, reference } of removed) {
      const [digest, tag] = reference.includes(":") ? [reference, undefined] : [undefined, reference];
      const nothing = { mediaType: undefined, size: undefined, user: undefined, request: undefined };
      notifier.tell({ ...nothing, action: "delete", repository, digest, tag });
    }
    const freed = await storage.collect(Date.now() - options.grace);
    metrics.add("collected_blobs_total", freed.blobs);
    metrics.add("collected_bytes_total", freed.bytes);
    log.info("registry collection", { ...freed, retention: removed.length });
  };
  const timer = setInterval(() => {
    round().catch((error: unknown) => log.error("registry collection failed", { error }));
  }, options.collectEvery);
  timer.unref();
  return timer;
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  await closed;
  clearTimeout(late);
}
