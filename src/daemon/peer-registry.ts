// "peer-registry" in daemon.json: whether and to whom this engine gives its images as a registry. Off without it. What
// would let anybody have every image is refused: callers are told by their networks, by client certificates, or both.

import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { HoyError } from "../base/error.ts";
import { globMatch } from "../image/glob.ts";
import type { PeerServerOptions } from "../registry/peer/server.ts";
import { isCidr } from "./values.ts";

const KEYS = ["listen", "networks", "images", "tlscert", "tlskey", "tlscacert"];

export interface PeerRegistrySettings {
  readonly host: string;
  readonly port: number;
  /** CIDR; none: wherever they come from, with a client certificate. */
  readonly networks: readonly string[];
  /** Patterns of repositories; see PeerImages. */
  readonly images: readonly string[];
  /** Paths. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string | undefined } | undefined;
}

/** @returns undefined for `{}`. @throws HoyError "invalid" */
export function peerRegistrySettings(given: Readonly<Record<string, unknown>>): PeerRegistrySettings | undefined {
  if (Object.keys(given).length === 0) return undefined;
  for (const key of Object.keys(given))
    if (!KEYS.includes(key)) throw invalid(`${JSON.stringify(key)} is none of ${KEYS.join(", ")}`);
  const networks = texts(given, "networks");
  for (const network of networks)
    if (!isCidr(network)) throw invalid(`${JSON.stringify(network)} is no network in CIDR form`);
  const images = texts(given, "images");
  for (const pattern of images) globMatch(pattern.replace(/\*\*$/, "*"), "");
  const [cert, key, ca] = ["tlscert", "tlskey", "tlscacert"].map((name) => path(given, name));
  if ((cert === undefined) !== (key === undefined)) throw invalid('"tlscert" and "tlskey" go together');
  if (ca !== undefined && cert === undefined) throw invalid('"tlscacert" needs "tlscert" and "tlskey"');
  if (networks.length === 0 && ca === undefined)
    throw invalid('give "networks" that may ask, or "tlscacert" for their certificates: images are not for everybody');
  return {
    ...addressOf(given.listen),
    networks,
    images: images.length === 0 ? ["**"] : images,
    tls: cert === undefined || key === undefined ? undefined : { cert, key, ca },
  };
}

/** Reads the certificates. @throws HoyError "invalid" */
export function peerServerOptions({ host, port, networks, tls }: PeerRegistrySettings): PeerServerOptions {
  const list = new BlockList();
  for (const network of networks.length === 0 ? ["0.0.0.0/0", "::/0"] : networks) {
    const [address = "", bits] = network.split("/");
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  const files = tls && { cert: read(tls.cert), key: read(tls.key), ca: tls.ca && read(tls.ca) };
  return { host, port, networks: list, tls: files };
}

function addressOf(value: unknown): { host: string; port: number } {
  const [, host = "", port = ""] = (typeof value === "string" && /^(?:\[?([^[\]]*)\]?):(\d{1,5})$/.exec(value)) || [];
  if (isIP(host) === 0 || Number(port) > 65_535)
    throw invalid('"listen" must be an address and a port, such as "10.0.0.1:5001" or "[::]:5001"');
  return { host, port: Number(port) };
}

function texts(given: Readonly<Record<string, unknown>>, key: string): readonly string[] {
  const value = given[key] ?? [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string" && each !== ""))
    throw invalid(`${JSON.stringify(key)} must be a list of texts`);
  return value;
}

function path(given: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = given[key];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || !value.startsWith("/"))
    throw invalid(`${JSON.stringify(key)} must be an absolute path`);
  return value;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw invalid(`${file} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function invalid(why: string): HoyError {
  return new HoyError("invalid", `"peer-registry": ${why}`);
}
