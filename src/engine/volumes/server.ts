// The server of a volume that is on the network: its address, as mount(2) wants it, and whether it is there at all. That is
// asked before: mount(2) waits for a server that is away, and the whole engine with it.

import { lookup } from "node:dns/promises";
import { createConnection, isIP } from "node:net";
import { HoyError } from "../../base/error.ts";
import { type DeviceMount, isCifs, optionWords } from "./local-options.ts";

/** How long a server has to take a connection. */
const PATIENCE_MS = 10_000;
const NFS_PORT = 2049;
/** rpcbind(8), which any server of NFS 2 and 3 has. */
const PORTMAPPER = 111;
/** The second is of servers before SMB 2; the kernel asks in this order, too. */
const SMB_PORTS = [445, 139];

/**
 * The options for mount(2), with the server's name as an address, once it has taken a connection: the others' as they are.
 * @throws HoyError "invalid" when the name is not known, or nobody answers, in the kernel's words
 */
export async function reachable(device: DeviceMount): Promise<string> {
  const { type, data } = device;
  if (!isCifs(type) && type !== "nfs" && type !== "nfs4") return data;
  const words = optionWords(type, data);
  const at = words.findIndex((word) => /^(addr|ip)=/.test(word));
  const [key, name] = at < 0 ? ["addr", serverOf(device)] : pair(words[at]);
  if (name === undefined) return data;
  const address = await addressOf(name);
  await oneAnswers(address, portsOf(type, words));
  const told = `${key}=${address}`;
  return (at < 0 ? [...words, told] : words.with(at, told)).join(",");
}

/**
 * For cifs the server of the device's name will do, as for mount.cifs(8). That name stays as it is: it is what the server
 * is asked for.
 */
function serverOf({ type, device }: DeviceMount): string | undefined {
  return isCifs(type) ? /^[/\\]{2}([^/\\]+)/.exec(device)?.[1] : undefined;
}

function pair(word = ""): readonly [string, string] {
  const at = word.indexOf("=");
  return [word.slice(0, at), word.slice(at + 1)];
}

async function addressOf(name: string): Promise<string> {
  if (isIP(name) !== 0) return name;
  try {
    const all = await lookup(name, { all: true });
    // As Docker does: most servers that are named in two families listen in this one.
    return (all.find(({ family }) => family === 4) ?? all[0])?.address ?? name;
  } catch (cause) {
    const message = `error resolving passed in network volume address: lookup ${name}: no such host`;
    throw new HoyError("invalid", message, { cause });
  }
}

/** Where it may listen; none: not known from here (UDP says nothing). Before NFS 4 its portmapper tells where, and is asked first. */
export function portsOf(type: string, words: readonly string[]): readonly number[] {
  const given = new Map(words.map((word) => pair(word)));
  const tcp = (given.get("proto") ?? "tcp").startsWith("tcp") && !words.includes("udp") && !words.includes("rdma");
  if (!tcp) return [];
  const port = given.get("port");
  if (port !== undefined && /^\d{1,5}$/.test(port) && Number(port) > 0) return [Number(port)];
  if (isCifs(type)) return SMB_PORTS;
  const version = given.get("nfsvers") ?? given.get("vers") ?? (type === "nfs4" ? "4" : "");
  return version.startsWith("4") ? [NFS_PORT] : [PORTMAPPER];
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
};

/** @throws of the first, when none does */
async function oneAnswers(address: string, [first, ...others]: readonly number[]): Promise<void> {
  if (first === undefined) return;
  try {
    await answers(address, first);
  } catch (error) {
    if ((await Promise.allSettled(others.map((port) => answers(address, port)))).some(isFulfilled)) return;
    throw error;
  }
}

function isFulfilled({ status }: PromiseSettledResult<void>): boolean {
  return status === "fulfilled";
}

function answers(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: address, port });
    const fail = (words: string, cause?: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new HoyError("invalid", `${words} (${address}, port ${port})`, { cause }));
    };
    const timer = setTimeout(() => fail("connection timed out"), PATIENCE_MS);
    socket.on("error", (error: NodeJS.ErrnoException) => fail(WORDS[error.code ?? ""] ?? error.message, error));
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    });
  });
}
