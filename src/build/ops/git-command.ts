// Running git for a build: in an environment that is nearly empty (no helpers, no questions, no hooks, no keys of the
// engine's machine, only transports that fetch), and never for longer than somebody at the other side still speaks.

import { spawn } from "node:child_process";
import { HoyError } from "../../base/error.ts";

export interface GitLimits {
  /** Milliseconds without a word of git: its progress is asked for, so a fetch that goes on is heard. */
  readonly silence: number;
  /** Milliseconds of one command. */
  readonly whole: number;
}

const LIMITS: GitLimits = { silence: 120_000, whole: 60 * 60_000 };
const MAX_OUTPUT = 16 * 1024 * 1024;
const SSH = [
  "ssh",
  // The keys and settings of the engine's machine are nobody's in a build: only an agent that was lent.
  "-F/dev/null",
  "-oIdentityFile=none",
  "-oBatchMode=yes",
  "-oConnectTimeout=30",
  "-oStrictHostKeyChecking=accept-new",
  "-oUserKnownHostsFile=/dev/null",
];
const SETTINGS = [
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "advice.detachedHead=false",
  "-c",
  "protocol.ext.allow=never",
  "-c",
  "credential.helper=",
];

export class Git {
  readonly #env: Record<string, string>;
  readonly #limits: GitLimits;

  /** @param agent socket of the client's ssh agent */
  constructor(agent: string | undefined, limits: GitLimits = LIMITS) {
    this.#limits = limits;
    this.#env = {
      PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
      HOME: "/nonexistent",
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
      GIT_ASKPASS: "true",
      GIT_ALLOW_PROTOCOL: "http:https:git:ssh",
      GIT_SSH_COMMAND: SSH.join(" "),
      ...(agent === undefined ? {} : { SSH_AUTH_SOCK: agent }),
    };
    for (const name of ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]) {
      const value = process.env[name];
      if (value !== undefined) this.#env[name] = value;
    }
  }

  /** Its standard output. @throws HoyError "unavailable" with the end of what it said, or that it said nothing for long. */
  async run(args: readonly string[], cwd: string | undefined, signal: AbortSignal): Promise<string> {
    const child = spawn("git", [...SETTINGS, ...args], {
      cwd: cwd ?? "/",
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: git's helpers (ssh, git-remote-https) end with it.
      detached: true,
    });
    const end = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    };
    const patience = new Patience(this.#limits, end);
    signal.addEventListener("abort", end, { once: true });
    // The signal may have fired before anybody listened.
    if (signal.aborted) end();
    try {
      const [output, complaint, code] = await Promise.all([
        textOf(child.stdout, patience),
        textOf(child.stderr, patience),
        new Promise<number | null>((resolve, reject) => {
          child.once("error", reject);
          child.once("close", resolve);
        }),
      ]);
      if (signal.aborted) throw new HoyError("cancelled", "the build was cancelled");
      const [verb] = args;
      if (patience.lost !== undefined) throw new HoyError("unavailable", `git ${verb} was ended: ${patience.lost}`);
      if (code !== 0) throw new HoyError("unavailable", `git ${verb} failed: ${lastLines(complaint)}`);
      return output;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") {
        throw new HoyError("unavailable", "git is not installed on the engine's machine", { cause: error });
      }
      throw error;
    } finally {
      patience[Symbol.dispose]();
      signal.removeEventListener("abort", end);
    }
  }
}

/** Ends what says nothing for long, or takes too long in all. */
class Patience implements Disposable {
  /** Why it was ended. */
  lost: string | undefined;
  readonly #silence: NodeJS.Timeout;
  readonly #whole: NodeJS.Timeout;

  constructor({ silence, whole }: GitLimits, end: () => void) {
    const after = (ms: number, why: string) =>
      setTimeout(() => {
        this.lost ??= why;
        end();
      }, ms);
    this.#silence = after(silence, `nothing came from the other side for ${shown(silence)}`);
    this.#whole = after(whole, `it took longer than ${shown(whole)}`);
  }

  heard(): void {
    this.#silence.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#whole);
  }
}

function shown(ms: number): string {
  return ms >= 120_000 ? `${Math.round(ms / 60_000)} minutes` : `${Math.round(ms / 1000)} seconds`;
}

/** Without the progress, whose lines go back to their beginning. */
function lastLines(complaint: string): string {
  const lines = complaint.split(/\r?\n/).map((line) => line.split("\r").at(-1) ?? "");
  return lines.join("\n").trim().slice(-2000);
}

/** The first of it, up to a bound. */
async function textOf(stream: AsyncIterable<Uint8Array>, patience: Patience): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    patience.heard();
    size += chunk.length;
    if (size <= MAX_OUTPUT) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
