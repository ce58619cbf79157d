// The daemon's composition: directories, pidfile, shim, engine, API server, sockets; and the way back down. Stopping it
// never stops a container.

import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createApiServer } from "../api/server/server.ts";
import { log } from "../base/log.ts";
import type { ReloadableSettings } from "../base/settings.ts";
import { rootSpan } from "../base/trace.ts";
import { build } from "../base/version.ts";
import { openEngine } from "../engine/engine.ts";
import { unreadBytes } from "../linux/socket-queue.ts";
import { startPeerServer } from "../registry/peer/server.ts";
import type { Config } from "./config.ts";
import { listenersOf } from "./listeners.ts";
import { notifier, passedSockets } from "./notify.ts";
import { peerServerOptions } from "./peer-registry.ts";
import { writePidfile } from "./pidfile.ts";
import { QuietTime } from "./quiet.ts";
import { type DaemonSettings, engineSettings } from "./settings.ts";
import { placeShim } from "./shim-file.ts";
import { startTrace } from "./trace-file.ts";

export interface Daemon {
  readonly notify: (state: string) => void;
  reload(settings: ReloadableSettings): Promise<void>;
  stop(): Promise<void>;
}

/** @throws HoyError when it can't start; nothing of it is left then. */
export async function startDaemon(config: Config, settings: DaemonSettings): Promise<Daemon> {
  process.umask(0o022);
  const notify = notifier();
  // Before anything is touched: a certificate that can't be read leaves no directory, bridge or rule behind.
  const listeners = listenersOf(settings, passedSockets());
  const peerServer = settings.peerRegistry && peerServerOptions(settings.peerRegistry);
  await using undo = new AsyncDisposableStack();
  const step = <T>(value: T, close: (value: T) => void | Promise<void>): T => undo.adopt(value, close);

  const { shimProgram } = await import("./embedded-shim.ts");
  const { data, run } = engineSettings(config, "/").paths;
  makeRoot(data);
  makeRoot(run);
  for (const [name, value] of Object.entries(settings.proxies)) {
    if (value !== undefined) process.env[name] = value;
  }
  if (settings.trace !== undefined) step(startTrace(settings.trace), (end) => end());
  mkdirSync(dirname(settings.pidfile), { recursive: true });
  step(writePidfile(settings.pidfile), (remove) => remove());
  const engine = step(await openEngine(engineSettings(config, placeShim(shimProgram(), run))), (each) => each.close());
  const quiet = step(new QuietTime(), (each) => each[Symbol.dispose]());
  const server = createApiServer({
    backend: engine.backend,
    buildkit: engine.buildkit,
    log,
    productVersion: build.version,
    trace: (name, attributes) => {
      quiet.disturb();
      return rootSpan(name, attributes);
    },
    experimental: config.values.get("experimental") === true,
    unread: unreadBytes,
  });
  const grace = Math.max(0, engineSettings(config, "/").shutdownTimeout) * 1000;
  step(server, (each) => each.close(grace));
  for (const listener of listeners) {
    const { address } = await server.listen(listener);
    log.info("API listen", { address });
  }
  if (settings.peerRegistry !== undefined && peerServer !== undefined) {
    const peers = await startPeerServer(engine.peerImages(settings.peerRegistry.images), peerServer);
    step(peers, (each) => each.close());
    log.info("peers are given images", { address: peers.address, tls: settings.peerRegistry.tls !== undefined });
  }
  log.info("daemon has completed initialization", { version: build.version, commit: build.commit });
  notify("READY=1");

  const teardown = undo.move();
  return {
    notify,
    reload: async (reloadable) => engine.reload(reloadable),
    stop: async () => {
      notify("STOPPING=1");
      await teardown.disposeAsync();
    },
  };
}

/** 0711: users of containers pass through, nobody else lists. The umask has no say. */
function makeRoot(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o711 });
  chmodSync(path, 0o711);
}
