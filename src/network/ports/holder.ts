// Who has a port: the process that listens on it, from /proc (proc(5), /proc/net/tcp). Only for an error's words, so
// it looks no further than it must, and not finding anyone is an answer.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** "nginx (pid 123)", or undefined. */
export function portHolder(protocol: "tcp" | "udp" | "sctp", port: number): string | undefined {
  if (protocol === "sctp") return undefined;
  const inodes = new Set([...listening(`/proc/net/${protocol}`, port), ...listening(`/proc/net/${protocol}6`, port)]);
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const link of openSockets(pid)) {
      if (inodes.has(link))
        return `${quietly(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim(), "a process")} (pid ${pid})`;
    }
  }
  return undefined;
}

/** Lines: sl local_address rem_address st … inode; state 0A is LISTEN, 07 an open UDP socket. */
function listening(table: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = quietly(() => readFileSync(table, "utf8").split("\n"), []);
  return lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const matches = fields[1]?.endsWith(`:${hex}`) && (fields[3] === "0A" || fields[3] === "07");
    return matches && fields[9] !== undefined ? [`socket:[${fields[9]}]`] : [];
  });
}

function openSockets(pid: string): string[] {
  const fds = quietly(() => readdirSync(`/proc/${pid}/fd`), []);
  return fds.map((fd) => quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""));
}

/** Processes end while they are looked at: what is gone is simply not the holder. */
function quietly<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error) return otherwise;
    throw error;
  }
}
