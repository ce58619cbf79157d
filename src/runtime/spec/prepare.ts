// Makes what a spec's mounts need before the shim runs: the staging point of each bind in the bundle, a directory for a
// directory and an empty file for anything else, as mount(2) wants them alike; and the nodes of devices.

import { closeSync, mkdirSync, openSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { HoyError } from "../../base/error.ts";
import { fchmodat, lchownat, makedev, mknodat } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { S } from "../../linux/stat.ts";
import type { DeviceNode, StagedBind } from "../contract.ts";

/**
 * Idempotent.
 * @throws HoyError "invalid" with Docker's words when a source is not there (any more), "internal" when no device can
 * be made
 */
export async function prepareBinds(binds: readonly StagedBind[]): Promise<void> {
  for (const { source, node } of binds) if (node !== undefined) await makeNode(source, node);
  const directories = await Promise.all(binds.map(({ source }) => isDirectory(source)));
  // The bundle is the engine's own, on a file system that answers at once; the sources may be on any.
  for (const [index, { target }] of binds.entries()) {
    const directory = directories[index];
    mkdirSync(directory ? target : dirname(target), { recursive: true, mode: 0o711 });
    if (!directory) closeSync(openSync(target, "a", 0o600));
  }
}

async function isDirectory(source: string): Promise<boolean> {
  try {
    return (await stat(source)).isDirectory();
  } catch (cause) {
    const words = `invalid mount config for type "bind": bind source path does not exist: ${source}`;
    throw new HoyError("invalid", words, { cause });
  }
}

const TYPES = { c: S.IFCHR, b: S.IFBLK, p: S.IFIFO } as const;
/** Absolute paths take no directory. */
const NO_DIRECTORY = -100;

/** Anew at each start: the numbers of a device may have changed. Nobody but root may pass through its directory. */
async function makeNode(path: string, node: DeviceNode): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rm(path, { force: true });
  try {
    mknodat(NO_DIRECTORY, path, TYPES[node.type] | 0o600, makedev(node.major, node.minor));
  } catch (cause) {
    if (!isErrno(cause, "EPERM")) throw cause;
    throw new HoyError("internal", "the daemon may not make device nodes (CAP_MKNOD)", {
      hint: "use --userns=host, which binds the host's own",
      cause,
    });
  }
  lchownat(NO_DIRECTORY, path, node.uid, node.gid);
  fchmodat(NO_DIRECTORY, path, node.mode);
}
