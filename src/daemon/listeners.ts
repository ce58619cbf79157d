// Which doors to open: hosts put together with TLS and with the sockets that systemd passed. TCP without TLS is root for
// whoever reaches the port, so it is opened only where --tls=false was said.

import { fstatSync, readFileSync, statSync } from "node:fs";
import type { Listener, TlsOptions } from "../api/server/listen.ts";
import { HoyError } from "../base/error.ts";
import { log } from "../base/log.ts";
import { socketGroup } from "./group.ts";
import type { Host } from "./hosts.ts";
import type { PassedSocket } from "./notify.ts";
import type { DaemonSettings, TlsSettings } from "./settings.ts";

const TLS_PORT = 2376;
const PLAIN_PORT = 2375;

/** @throws HoyError "invalid" for TCP without TLS, unreadable certificates, fd:// without sockets. */
export function listenersOf(settings: DaemonSettings, passed: readonly PassedSocket[]): readonly Listener[] {
  const secure = settings.tls === undefined ? undefined : readTls(settings.tls);
  const tlsFor = (host: Host): TlsOptions | false => {
    if (secure !== undefined) return secure;
    if (settings.plainTcp) return false;
    throw new HoyError("invalid", `${host.text}: TCP is opened only with TLS (--tlsverify, or --tls)`, {
      hint: "to let anyone who reaches the port be root here, say --tls=false",
    });
  };
  return settings.hosts.flatMap((host): Listener[] => {
    if (host.kind === "unix") {
      return [{ kind: "unix", path: host.path, gid: socketGroup(settings.group, settings.groupGiven) }];
    }
    if (host.kind === "tcp") {
      const tls = tlsFor(host);
      return [{ kind: "tcp", host: host.address, port: host.port ?? (tls === false ? PLAIN_PORT : TLS_PORT), tls }];
    }
    const sockets = passed.filter((socket) => host.name === undefined || socket.name === host.name);
    if (sockets.length === 0) {
      throw new HoyError("invalid", `${host.text}: no sockets were passed (LISTEN_FDS)`, {
        hint: "fd:// is for a start by systemd with hoy.socket",
      });
    }
    return sockets.map(({ fd }): Listener => {
      const remote = !isUnixSocket(fd);
      return { kind: "fd", fd, remote, tls: remote ? tlsFor(host) : false };
    });
  });
}

function readTls(settings: TlsSettings): TlsOptions {
  const read = (what: string, path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new HoyError("invalid", `could not read the TLS ${what} ${path}: ${(cause as Error).message}`, { cause });
    }
  };
  const cert = read("certificate", settings.cert);
  const key = read("key", settings.key);
  if ((statSync(settings.key).mode & 0o004) !== 0)
    log.warn("the TLS key can be read by everyone", { path: settings.key });
  return settings.verify ? { cert, key, clientCa: read("CA certificate", settings.ca) } : { cert, key };
}

/** Looked up by inode in /proc/net/unix: Node can't ask a passed socket for its family. */
function isUnixSocket(fd: number): boolean {
  const inode = String(fstatSync(fd).ino);
  return readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .some((line) => line.split(/\s+/)[6] === inode);
}
