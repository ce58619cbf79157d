// Sealed copies of the OCI runtimes' programs. A container must not be able to write to the runtime through
// /proc/PID/exe (CVE-2019-5736), so crun and runc copy themselves and start again, each time, unless they run from a
// sealed memfd: 1.3 ms for crun here. One copy serves all shims; it goes with the last of them. This does not start anything.

import { type BigIntStats, closeSync, openSync, readSync, statSync } from "node:fs";
import { log } from "../../base/log.ts";
import { sealedCopy } from "../../linux/memfd.ts";
import type { OciRuntime } from "../contract.ts";
import { isKnownRuntime } from "./job.ts";

/** Of a program; those known have 0.5 to 12 MB. */
const LIMIT = 64n * 1024n * 1024n;

interface Copy {
  /** undefined: it is no program that can be copied. */
  readonly fd: number | undefined;
  readonly identity: string;
}

export class SealedRuntimes {
  readonly #copies = new Map<string, Copy>();

  /** A descriptor for a child process to inherit, valid until the next call; undefined: run it by its path. */
  copyOf(runtime: OciRuntime): number | undefined {
    if (!isKnownRuntime(runtime)) return undefined;
    const stat = statSync(runtime.path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const before = this.#copies.get(runtime.path);
    if (before?.identity === identityOf(stat)) return before.fd;
    // Upgraded: containers that run go on with the program that started them.
    if (before?.fd !== undefined) closeSync(before.fd);
    const copy = { fd: copied(runtime, stat), identity: identityOf(stat) };
    this.#copies.set(runtime.path, copy);
    return copy.fd;
  }
}

function copied({ path, name }: OciRuntime, stat: BigIntStats): number | undefined {
  if (stat.size > LIMIT || !isElf(path)) return undefined;
  try {
    return sealedCopy(path, name);
  } catch (error) {
    log.debug("the OCI runtime is run by its path", { path, error });
    return undefined;
  }
}

/** A script would not find itself: its interpreter is given a descriptor that is closed by then. */
function isElf(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    const magic = Buffer.alloc(4);
    return readSync(fd, magic, 0, 4, 0) === 4 && magic.toString("latin1") === "\x7fELF";
  } finally {
    closeSync(fd);
  }
}

function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}
