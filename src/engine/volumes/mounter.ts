// Mounting where mount(2) may wait for long: for a server that has taken the connection and says nothing, or for a disk. The
// engine's own thread would stand still with it, and every container's start; so the call is made in a process of its own
// (the shim's, shim/PROTOCOL.md), which is killed when a server has had its time.

import { constants } from "node:os";
import { HoyError } from "../../base/error.ts";
import { within } from "../../base/within.ts";
import { isErrno, SystemError } from "../../linux/libc.ts";
import { MNT, type MountOptions, unmount } from "../../linux/mount.ts";
import { mountTypeAt } from "../../linux/mount-table.ts";

/** How long a server may take for a mount(2) or an umount2(2). */
const PATIENCE_MS = 30_000;
/** A killed process ends at once, unless it is in a wait that can't be cut short: its end is not waited for then. */
const DEATH_MS = 1_000;

/** File systems of another machine. What is on a disk of this one may take as long as it likes. */
const REMOTE: ReadonlySet<string> = new Set(["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs"]);

/** As mount(2) takes it, by names that are text. */
export interface NamedMount extends MountOptions {
  readonly source?: string;
  readonly target: string;
}

interface Request extends Required<NamedMount> {
  readonly verb: "mount" | "unmount";
}

export class Mounter {
  readonly #program: string;
  readonly #patience: number;

  /** @param program the shim; @param patience milliseconds that a server has */
  constructor(program: string, patience = PATIENCE_MS) {
    this.#program = program;
    this.#patience = patience;
  }

  /** mount(2). @throws SystemError with the kernel's errno, HoyError "unavailable" when a server did not answer in time. */
  async mount({ source = "", target, type = "", flags = 0, data = "" }: NamedMount): Promise<void> {
    await this.#run({ verb: "mount", source, target, type, flags, data }, REMOTE.has(type));
  }

  /**
   * umount2(2) of what was mounted last at `path`, in a process where a server is asked. Lazily when somebody on the host looks into
   * it, or its server says nothing: out of everybody's sight it is then all the same. @throws as `mount`; it is mounted then.
   */
  async unmount(path: string): Promise<void> {
    for (const flags of [MNT.NOFOLLOW, MNT.NOFOLLOW | MNT.DETACH]) {
      const type = mountTypeAt(path);
      if (type === undefined) return;
      try {
        if (REMOTE.has(type))
          await this.#run({ verb: "unmount", source: "", target: path, type, flags, data: "" }, true);
        else unmount(path, flags);
        return;
      } catch (error) {
        if (mountTypeAt(path) === undefined) return;
        const again = isErrno(error, "EBUSY") || error instanceof HoyError;
        if (!again || (flags & MNT.DETACH) !== 0) throw error;
      }
    }
  }

  async #run(request: Request, bounded: boolean): Promise<void> {
    const { verb, source, target, type, flags, data } = request;
    const call = verb === "mount" ? "mount" : "umount2";
    const fields = [verb, source, target, type, String(flags), data];
    if (fields.some((field) => field.includes("\0"))) {
      throw new SystemError(constants.errno.EINVAL, call, target, "zero byte in it");
    }
    const child = Bun.spawn([this.#program, "--mount", String(process.pid)], {
      stdin: Buffer.from(fields.map((field) => `${field}\0`).join("")), // not by its command line: there are passwords in it
      stdout: "pipe",
      stderr: "ignore",
      env: {},
    });
    const code = await (bounded ? endWithin(child, this.#patience) : child.exited);
    if (code === 0) return;
    if (code === undefined) {
      const seconds = this.#patience / 1000;
      throw new HoyError(
        "unavailable",
        `connection timed out: the server did not answer ${call}(2) within ${seconds} s`,
      );
    }
    const errno = code === 1 ? Number(await child.stdout.text()) : 0;
    if (errno > 0) throw new SystemError(errno, call, target, type || undefined);
    throw new HoyError("internal", `${call}(2) could not be asked for: ${this.#program} ended with ${code}`);
  }
}

/** Its exit code; undefined: it was killed for taking longer. What it did at the last moment is in the mount table. */
async function endWithin(child: Bun.Subprocess, patience: number): Promise<number | undefined> {
  if (await within(child.exited, patience)) return child.exited;
  child.kill("SIGKILL");
  await within(child.exited, DEATH_MS);
  return child.exitCode ?? undefined;
}
