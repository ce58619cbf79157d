// A running container whose shim can't be talked to: of a newer build, or one that does not answer. Its process is still
// known by the bundle's pid file and cgroup, and its end by exit.json, so that it can be stopped, killed and removed.
// Its streams are out of reach, and everything that needs them says so.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import { isErrno } from "../../linux/libc.ts";
import type { Cgroup } from "../cgroups/contract.ts";
import type { ExitStatus, Shim } from "../contract.ts";

const LOOK_MS = 200;
/** From the process's end to the shim's word of it: its output may still be read for half a second. */
const WORD_MS = 3000;
const SIGKILL = 9;

export interface ForeignBundle {
  readonly path: string;
  readonly cgroup: Cgroup | undefined;
  readonly exit: () => ExitStatus | undefined;
  /** For when the shim leaves no word. */
  readonly lost: () => Promise<ExitStatus>;
  /** Why it can't be talked to. */
  readonly reason: unknown;
}

/** Undefined when no process is known. */
export function foreignShim(bundle: ForeignBundle): Shim | undefined {
  const pid = pidOf(bundle.path);
  return pid === undefined ? undefined : new ForeignShim(pid, bundle);
}

class ForeignShim implements Shim {
  readonly pid: number;
  readonly shimPid = 0;
  readonly exited: Promise<ExitStatus>;
  readonly #bundle: ForeignBundle;

  constructor(pid: number, bundle: ForeignBundle) {
    this.pid = pid;
    this.#bundle = bundle;
    this.exited = this.#watch();
  }

  /** Only to a process of the container's cgroup: its pid may be another's by now. */
  async signal(signal: number): Promise<void> {
    if (!(await this.#runs())) throw new HoyError("conflict", "the container has ended");
    if (signal === SIGKILL) await this.#bundle.cgroup?.killAll();
    else process.kill(this.pid, signal);
  }

  attach = async (): Promise<never> => this.#refuse("attach to it");
  attachBehindLog = this.attach;
  release = async (): Promise<never> => this.#refuse("release its output");
  exec = async (): Promise<never> => this.#refuse("run a command in it");
  execAgain = async (): Promise<undefined> => undefined;
  resize = async (): Promise<never> => this.#refuse("resize its terminal");
  onOom(): void {
    // Whether it met its limit of memory stands in exit.json.
  }

  #refuse(what: string): never {
    const { reason } = this.#bundle;
    throw new HoyError("conflict", `can't ${what}: the container was started by another build of hoy`, {
      hint: "restart the container",
      cause: reason,
    });
  }

  async #runs(): Promise<boolean> {
    return ((await this.#bundle.cgroup?.pids()) ?? []).includes(this.pid);
  }

  async #watch(): Promise<ExitStatus> {
    for (let gone = 0; gone <= WORD_MS; gone = (await this.#runs()) ? 0 : gone + LOOK_MS) {
      const status = this.#bundle.exit();
      if (status !== undefined) return status;
      await sleep(LOOK_MS, undefined, { ref: false });
    }
    return this.#bundle.exit() ?? (await this.#bundle.lost());
  }
}

function pidOf(bundle: string): number | undefined {
  try {
    const text = readFileSync(join(bundle, "pid"), "utf8").trim();
    return /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
