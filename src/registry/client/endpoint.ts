// Where a registry is reached: its mirrors first, then itself; by which scheme, with which certificates.
// Files are those that Docker's users have: certs.d/HOST/{ca.crt,client.cert,client.key} under each of CERTS_DIRS.

import { readdirSync, readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { join } from "node:path";
import type { RegistrySettings } from "../../base/settings.ts";

export interface TlsFiles {
  readonly ca: readonly string[];
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

export interface Endpoint {
  /** "https://registry.example.com:5000", no slash at the end. */
  readonly base: string;
  /** The name that certificates and credentials are kept under. */
  readonly host: string;
  readonly tls: TlsFiles;
  /** Certificates are not checked: the user said `insecure-registries`. */
  readonly insecure: boolean;
  readonly mirror: boolean;
  /** A mirror that is another engine of one's own: see peers.ts. */
  readonly peer: boolean;
  /** Goes along as `ns`, so that a mirror of several registries knows which one is meant. */
  readonly namespace: string | undefined;
}

/** Where Docker's users have certificates of registries, and where ours may. */
export const CERTS_DIRS: readonly string[] = ["/etc/hoy/certs.d", "/etc/docker/certs.d"];
const HUB = "docker.io";
const HUB_HOST = "registry-1.docker.io";

/**
 * All places to try for a registry (the domain of a normalised name), in order. Insecure ones are tried by https first,
 * then by http, as Docker does; for all others there is only https.
 */
export function endpointsFor(domain: string, settings: RegistrySettings): Endpoint[] {
  const mirrors = settings.mirrors.flatMap((mirror) => mirrorEndpoints(mirror, domain, settings));
  return [...mirrors, ...hostEndpoints(domain === HUB ? HUB_HOST : domain, settings)];
}

/**
 * A mirror is a URL, for the Hub as in Docker; "registry=URL" makes it one of that registry, and "*=URL" of every one
 * (then the registry's name goes along as the `ns` parameter, as containerd has it). "peer+URL" is another engine, of
 * every registry when none is named.
 */
function mirrorEndpoints(mirror: string, domain: string, settings: RegistrySettings): Endpoint[] {
  const { scope, peer, url } = parseMirror(mirror);
  if (scope !== domain && scope !== "*") return [];
  const { host, protocol, pathname } = new URL(url);
  const base = `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
  const namespace = peer || scope === "*" ? domain : undefined;
  return [
    {
      base,
      host,
      tls: tlsFiles(host, settings.certsDirs),
      insecure: isInsecure(host, settings),
      mirror: true,
      peer,
      namespace,
    },
  ];
}

/** The parts of a mirror as it is written in the configuration; the URL is not checked. */
export function parseMirror(text: string): { readonly scope: string; readonly peer: boolean; readonly url: string } {
  const [, named, rest = text] = /^([^=/]+)=(.+)$/.exec(text) ?? [];
  const peer = rest.startsWith("peer+");
  return { scope: named ?? (peer ? "*" : HUB), peer, url: peer ? rest.slice("peer+".length) : rest };
}

function hostEndpoints(host: string, settings: RegistrySettings): Endpoint[] {
  const insecure = isInsecure(host, settings);
  const tls = tlsFiles(host, settings.certsDirs);
  const secure = { base: `https://${host}`, host, tls, insecure, mirror: false, peer: false, namespace: undefined };
  return insecure ? [secure, { ...secure, base: `http://${host}` }] : [secure];
}

/** Loopback is, as in Docker; else by name, name:port or network. */
export function isInsecure(host: string, settings: Pick<RegistrySettings, "insecure">): boolean {
  const name = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const networks = new BlockList();
  networks.addSubnet("127.0.0.0", 8, "ipv4");
  networks.addAddress("::1", "ipv6");
  for (const entry of settings.insecure) {
    const [address = "", length] = entry.split("/");
    if (entry === host || entry === name) return true;
    if (length !== undefined && isIP(address) !== 0) networks.addSubnet(address, Number(length), family(address));
  }
  return name === "localhost" || (isIP(name) !== 0 && networks.check(name, family(name)));
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

function tlsFiles(host: string, roots: readonly string[]): TlsFiles {
  for (const root of roots) {
    const directory = join(root, host);
    const names = list(directory);
    if (names === undefined) continue;
    const read = (name: string | undefined) =>
      name === undefined ? undefined : readFileSync(join(directory, name), "utf8");
    const cert = names.find((name) => name.endsWith(".cert"));
    const key = cert === undefined ? undefined : names.find((name) => name === cert.replace(/\.cert$/, ".key"));
    const ca = names.filter((name) => name.endsWith(".crt")).flatMap((name) => read(name) ?? []);
    return { ca, cert: read(cert), key: read(key) };
  }
  return { ca: [], cert: undefined, key: undefined };
}

function list(directory: string): string[] | undefined {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  }
}
